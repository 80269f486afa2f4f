//! Values taken apart and put together again.

use super::apart::{Apart, Kind, take_apart};
use super::together::{Numbers, Tensors, put_together};
use super::{Manifest, PersistError, Provenance, load_folder, save_folder};
use crate::registry::Model;
use crate::{Run, Training};
use seoro_core::{Histories, ItemId, Log, Matrix, Seed, UserId, Vocab};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    New(f32),
    Tuple(u32, f32),
    Struct { numbers: Vec<f32>, name: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Row(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    empty: Vec<f32>,
    ragged: Vec<Vec<f32>>,
    pair: (u32, f64),
    some: Option<f64>,
    none: Option<f64>,
    options: Vec<Option<f32>>,
    shapes: Vec<Shape>,
    rows: Vec<Row>,
    flags: Vec<bool>,
    large: u64,
    larges: Vec<u64>,
    negative: i64,
    negatives: Vec<i64>,
    matrices: Vec<Matrix>,
    by_name: BTreeMap<String, Vec<f32>>,
    awkward: f64,
    infinite: f32,
}

fn everything() -> Everything {
    let matrix = |rows: usize, cols: usize| {
        Matrix::from_vec(rows, cols, (0..rows * cols).map(|x| x as f32).collect()).expect("a matrix")
    };
    Everything {
        empty: vec![],
        ragged: vec![vec![1.0], vec![], vec![2.0, f32::INFINITY]],
        pair: (7, 0.1),
        some: Some(1.0),
        none: None,
        options: vec![Some(1.5), None],
        shapes: vec![
            Shape::Unit,
            Shape::New(0.5),
            Shape::Tuple(3, 0.25),
            Shape::Struct { numbers: vec![1.0, -0.0], name: "x".into() },
        ],
        rows: vec![Row(3), Row(u32::MAX)],
        flags: vec![true, false],
        large: u64::MAX,
        larges: vec![u64::MAX, 0],
        negative: i64::MIN,
        negatives: vec![-1, i64::MAX],
        matrices: vec![matrix(2, 3), matrix(0, 4), matrix(1, 1)],
        by_name: BTreeMap::from([("a".into(), vec![1.0]), ("b".into(), vec![2.0])]),
        awkward: f64::from_bits(0x3fb9_9999_9999_9999),
        infinite: f32::NEG_INFINITY,
    }
}

fn together<T: DeserializeOwned>(apart: &Apart) -> Result<T, super::together::Unreadable> {
    let numbers = |kind: Kind, bytes| Numbers { kind, bytes };
    let tensors: Tensors<'_> = apart
        .tensors
        .iter()
        .map(|tensor| (tensor.name.clone(), numbers(tensor.kind, &tensor.bytes)))
        .collect();
    // As a file has it: through text.
    let rest = serde_json::from_str(&apart.rest.to_string()).expect("JSON");
    put_together(&rest, &tensors)
}

#[test]
fn what_is_taken_apart_comes_back() {
    let apart = take_apart(&everything()).expect("apart");
    assert_eq!(together::<Everything>(&apart).expect("together"), everything());
    let shape = |name: &str| {
        apart.tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.shape.clone())
    };
    assert_eq!(shape("matrices.0.data"), Some(vec![2, 3]));
    assert_eq!(shape("shapes.3.numbers"), Some(vec![2]));
    assert_eq!(shape("rows"), Some(vec![2]));
}

#[test]
fn numbers_that_are_none_stay_none() {
    let apart = take_apart(&vec![f32::NAN, 1.0]).expect("apart");
    assert!(together::<Vec<f32>>(&apart).expect("together")[0].is_nan());
}

#[test]
fn what_has_no_form_is_refused() {
    let by_number = BTreeMap::from([(1_u32, 1.0_f32)]);
    assert!(take_apart(&by_number).is_err());
    let twice = BTreeMap::from([
        ("a".to_owned(), BTreeMap::from([("b".to_owned(), vec![1.0_f32])])),
        ("a.b".to_owned(), BTreeMap::new()),
    ]);
    assert!(take_apart(&twice).is_ok());
    let mistaken = BTreeMap::from([("$tensor".to_owned(), 1.0_f32)]);
    assert!(take_apart(&mistaken).is_err());
}

#[test]
fn parts_of_something_else_are_refused() {
    let apart = take_apart(&everything()).expect("apart");
    assert!(together::<Matrix>(&apart).is_err());
    let mut without = take_apart(&everything()).expect("apart");
    without.tensors.pop();
    assert!(together::<Everything>(&without).is_err());
    let mut short = take_apart(&Matrix::zeros(2, 2)).expect("apart");
    short.tensors[0].bytes.truncate(12);
    assert!(together::<Matrix>(&short).is_err());
}

#[test]
fn the_weights_of_another_model_are_refused() {
    let vocab = |rows: u32| Arc::new(Vocab::numbered(rows));
    let (users, items) = (vec![UserId(0), UserId(1)], vec![ItemId(2), ItemId(0)]);
    let log = Log::new(users, items, None, None, vocab(2), vocab(3)).expect("a log");
    let histories = Histories::new(&log);
    let recipe = |name: &str| Model::parse(name, toml::Table::new()).expect("a recipe");
    let (own, other) = (recipe("popularity"), recipe("item-knn"));
    let model = own.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1))).expect("a model");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model");
    let vocabs = (log.user_vocab().as_ref(), log.item_vocab().as_ref());
    save_folder(&path, (&own, model.as_ref()), vocabs, Provenance::default()).expect("a folder");
    let manifest = path.join("manifest.toml");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let mut claimed: Manifest = toml::from_str(&text).expect("a manifest");
    (claimed.model, claimed.revision) = (other.name().to_owned(), other.revision());
    claimed.checksum = claimed.sum();
    std::fs::write(&manifest, toml::to_string(&claimed).expect("a text")).expect("written");
    assert!(matches!(load_folder(&path).map(|_| ()), Err(PersistError::Unreadable { .. })));
}
