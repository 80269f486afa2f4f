//! A fitted model as a folder that other programs can read.
//!
//! | file | what it holds |
//! |---|---|
//! | `manifest.toml` | the version of the format, the model and its revision, where it comes from, a checksum of each other file and of itself |
//! | `recipe.toml` | the hyper-parameters |
//! | `users.json`, `items.json` | the raw ids, in the order of rows |
//! | `weights.safetensors` | the model's numbers, by name; what is no number stands in its metadata, as JSON |

use super::apart::{Kind, take_apart};
use super::checksum::Summing;
use super::together::{Numbers, Tensors, put_together};
use super::{PersistError, io_error};
use crate::registry::{FittedModel, Model};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use seoro_core::Vocab;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

/// The version of the format.
const FORMAT: u16 = 1;
/// The key of the metadata that holds what is no number.
const REST: &str = "rest";

const MANIFEST: &str = "manifest.toml";
const RECIPE: &str = "recipe.toml";
const USERS: &str = "users.json";
const ITEMS: &str = "items.json";
const WEIGHTS: &str = "weights.safetensors";

/// Where a model comes from: what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// A hash of the data it was fitted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The seed of the fit, in decimal digits: TOML's numbers are shorter than seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The commit of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// What a model's folder says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u16,
    /// The model's name.
    pub model: String,
    /// Its revision.
    pub revision: u32,
    /// The checksum of all the rest of this.
    pub(super) checksum: String,
    /// Where it comes from.
    pub from: Provenance,
    /// The checksum of each file.
    files: BTreeMap<String, String>,
}

impl Manifest {
    /// The checksum of all but itself.
    pub(super) fn sum(&self) -> String {
        let rest = Manifest { checksum: String::new(), ..self.clone() };
        // Texts and a number: JSON has a form for each.
        sum(&serde_json::to_vec(&rest).unwrap_or_default())
    }
}

/// A model with all that answering takes: from raw ids to raw ids.
#[non_exhaustive]
pub struct ModelFolder {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The hyper-parameters.
    pub recipe: Model,
    /// The model.
    pub model: Box<dyn FittedModel>,
    /// The users' raw ids, by row.
    pub users: Vocab,
    /// The items' raw ids, by row.
    pub items: Vocab,
}

/// Writes `model`, which `recipe` fitted, into the folder `path`, in place of a model that stands there.
///
/// # Errors
/// [`PersistError::OtherModel`] where the recipe is of another model, [`PersistError::Unwritable`], [`PersistError::Io`]. What
/// stands at `path` and is not a model's folder stays.
pub fn save_folder(
    path: &Path,
    (recipe, model): (&Model, &dyn FittedModel),
    (users, items): (&Vocab, &Vocab),
    from: Provenance,
) -> Result<(), PersistError> {
    if recipe.name() != model.name() {
        let (found, expected) = (model.name().to_owned(), recipe.name().to_owned());
        return Err(PersistError::OtherModel { path: path.to_owned(), found, expected });
    }
    let unwritable = |what: String| PersistError::Unwritable { path: path.to_owned(), what };
    let contents = [
        (RECIPE, toml::to_string(recipe).map_err(|error| unwritable(error.to_string()))?.into_bytes()),
        (USERS, names(users)),
        (ITEMS, names(items)),
        (WEIGHTS, model.weights().map_err(|error| unwritable(error.to_string()))?),
    ];
    let files = contents.iter().map(|(name, bytes)| ((*name).to_owned(), sum(bytes))).collect();
    let (name, revision, checksum) = (model.name().to_owned(), model.revision(), String::new());
    let mut manifest = Manifest { format: FORMAT, model: name, revision, checksum, from, files };
    manifest.checksum = manifest.sum();
    let manifest = toml::to_string(&manifest).map_err(|error| unwritable(error.to_string()))?.into_bytes();
    if path.exists() && !path.join(MANIFEST).exists() {
        return Err(PersistError::NotAModel { path: path.to_owned() });
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = tempfile::Builder::new().prefix(".model-").tempdir_in(folder).map_err(io_error(folder))?;
    for (name, bytes) in contents.iter().map(|(name, bytes)| (*name, bytes)).chain([(MANIFEST, &manifest)]) {
        let file = new.path().join(name);
        seoro_core::replace_file(&file, |out| out.write_all(bytes)).map_err(io_error(&file))?;
    }
    put_in_place(new, path, folder)
}

/// Has the new folder stand at `path`, where an old one may: that is moved aside, and back where the new one does not come.
fn put_in_place(new: tempfile::TempDir, path: &Path, beside: &Path) -> Result<(), PersistError> {
    let aside = tempfile::Builder::new().prefix(".model-").tempdir_in(beside).map_err(io_error(beside))?;
    let old = aside.path().join("old");
    let was_there = path.exists();
    if was_there {
        std::fs::rename(path, &old).map_err(io_error(path))?;
    }
    let new = new.keep();
    std::fs::rename(&new, path).map_err(|source| {
        if was_there && std::fs::rename(&old, path).is_err() {
            // Whoever looks beside the path finds the old model.
            let _ = aside.keep();
        }
        let _ = std::fs::remove_dir_all(&new);
        io_error(path)(source)
    })
}

/// Reads a model's folder.
///
/// # Errors
/// [`PersistError`]: a folder that is none, of another version, of a model or a revision that this library does not have,
/// damaged, or whose parts do not fit each other.
pub fn load_folder(path: &Path) -> Result<ModelFolder, PersistError> {
    let manifest = read_manifest(path)?;
    let read = |name: &'static str| {
        let file = path.join(name);
        let bytes = std::fs::read(&file).map_err(io_error(&file))?;
        match manifest.files.get(name) {
            Some(expected) if *expected == sum(&bytes) => Ok(bytes),
            _ => Err(PersistError::Damaged { path: file, what: "its checksum is another" }),
        }
    };
    let damaged = |name: &str, what: &'static str| PersistError::Damaged { path: path.join(name), what };
    let known = Model::parse(&manifest.model, toml::Table::new())
        .map_err(|_| PersistError::UnknownModel { path: path.to_owned(), model: manifest.model.clone() })?;
    // Before the recipe is read: that of another revision may have other keys.
    if known.revision() != manifest.revision {
        let (model, found, expected) = (manifest.model, manifest.revision, known.revision());
        return Err(PersistError::Revision { path: path.to_owned(), model, found, expected });
    }
    if manifest.checksum != manifest.sum() {
        return Err(damaged(MANIFEST, "its checksum is another"));
    }
    let recipe =
        String::from_utf8(read(RECIPE)?).ok().and_then(|text| toml::from_str::<toml::Table>(&text).ok());
    let recipe = recipe.ok_or_else(|| damaged(RECIPE, "it is not TOML"))?;
    let recipe = Model::parse(&manifest.model, recipe)
        .map_err(|_| damaged(RECIPE, "its hyper-parameters are not the model's"))?;
    let vocab = |name: &'static str| {
        let names = serde_json::from_slice::<Vec<String>>(&read(name)?).ok();
        let vocab = names.and_then(vocabulary);
        vocab.ok_or_else(|| damaged(name, "it is not a list of different texts"))
    };
    let (users, items) = (vocab(USERS)?, vocab(ITEMS)?);
    let model = recipe
        .load_weights(&read(WEIGHTS)?)
        .map_err(|error| PersistError::Unreadable { path: path.join(WEIGHTS), what: error.to_string() })?;
    if model.as_score().n_items() != items.len() {
        return Err(damaged(ITEMS, "there are not as many items as the model has"));
    }
    Ok(ModelFolder { manifest, recipe, model, users, items })
}

fn read_manifest(path: &Path) -> Result<Manifest, PersistError> {
    let file = path.join(MANIFEST);
    let text = std::fs::read_to_string(&file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound if path.is_dir() => PersistError::NotAModel { path: path.to_owned() },
        _ => io_error(&file)(source),
    })?;
    let table: toml::Table = toml::from_str(&text)
        .map_err(|_| PersistError::Damaged { path: file.clone(), what: "it is not TOML" })?;
    let found = table.get("format").and_then(toml::Value::as_integer).unwrap_or(0);
    if found != i64::from(FORMAT) {
        let found = u16::try_from(found).unwrap_or(0);
        return Err(PersistError::Version { path: file, found, expected: FORMAT });
    }
    table.try_into().map_err(|_| PersistError::Damaged { path: file, what: "its keys are not a manifest's" })
}

/// The names of all rows, as a JSON list.
fn names(vocab: &Vocab) -> Vec<u8> {
    let names: Vec<_> = (0..vocab.len() as u32).map(|row| vocab.name(row).unwrap_or_default()).collect();
    serde_json::to_vec(&names).unwrap_or_default()
}

/// The vocabulary of these names; `None` where one stands twice.
fn vocabulary(names: Vec<String>) -> Option<Vocab> {
    let mut vocab = Vocab::new();
    for (row, name) in names.iter().enumerate() {
        if vocab.intern(name).ok()? as usize != row {
            return None;
        }
    }
    Some(vocab)
}

fn sum(bytes: &[u8]) -> String {
    let mut summing = Summing::new(std::io::sink());
    // A sink takes all.
    let _ = summing.write_all(bytes);
    format!("{:016x}", summing.finish().1)
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::Bool => Dtype::BOOL,
        Kind::U32 => Dtype::U32,
        Kind::U64 => Dtype::U64,
        Kind::I64 => Dtype::I64,
        Kind::F32 => Dtype::F32,
        Kind::F64 => Dtype::F64,
    }
}

const KINDS: [Kind; 6] = [Kind::Bool, Kind::U32, Kind::U64, Kind::I64, Kind::F32, Kind::F64];

/// Why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The model holds something that has no form here.
    #[error(transparent)]
    Unwritable(#[from] super::apart::Unwritable),
    /// Not a safetensors file, or one that this format cannot have written.
    #[error("{0}")]
    Tensors(String),
    /// The parts are not of this model.
    #[error(transparent)]
    Unreadable(#[from] super::together::Unreadable),
}

/// A model's numbers as a safetensors file.
pub(crate) fn to_weights(model: &impl Serialize) -> Result<Vec<u8>, WeightsError> {
    let tensors = |error: safetensors::SafeTensorError| WeightsError::Tensors(error.to_string());
    let apart = take_apart(model)?;
    let views = apart.tensors.iter().map(|tensor| {
        let view = TensorView::new(dtype(tensor.kind), tensor.shape.clone(), &tensor.bytes);
        Ok((tensor.name.as_str(), view.map_err(tensors)?))
    });
    let views = views.collect::<Result<Vec<_>, WeightsError>>()?;
    let metadata = HashMap::from([(REST.to_owned(), apart.rest.to_string())]);
    serialize(views, Some(metadata)).map_err(tensors)
}

/// The model whose numbers these are.
pub(crate) fn from_weights<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WeightsError> {
    let tensors = |error: safetensors::SafeTensorError| WeightsError::Tensors(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(tensors)?;
    let rest = metadata.metadata().as_ref().and_then(|metadata| metadata.get(REST));
    let rest = rest.and_then(|text| serde_json::from_str(text).ok());
    let rest = rest.ok_or_else(|| WeightsError::Tensors("no JSON of what is no number".to_owned()))?;
    let file = SafeTensors::deserialize(bytes).map_err(tensors)?;
    let mut numbers = Tensors::new();
    for (name, view) in file.iter() {
        let kind = KINDS.into_iter().find(|&kind| dtype(kind) == view.dtype());
        let kind = kind.ok_or_else(|| WeightsError::Tensors(format!("{name}: {:?}", view.dtype())))?;
        numbers.insert(name.to_owned(), Numbers { kind, bytes: view.data() });
    }
    Ok(put_together(&rest, &numbers)?)
}
