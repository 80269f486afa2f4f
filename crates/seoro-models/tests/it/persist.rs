//! Files of models: what comes back, and that damage is found.

use seoro_core::{Histories, ItemId, Items, Log, Seed, UserId, Vocab};
use seoro_models::persist::{self, Kind, PersistError, Provenance};
use seoro_models::registry::{self, FittedModel, Model, Visit};
use seoro_models::{Recommender, Run, Training};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn saved(folder: &Path) -> (PathBuf, Vec<u8>) {
    let path = folder.join("a.model");
    persist::save(&path, "mine", 3, &(vec![1.0_f32; 40], "text".to_owned(), Some(7_u32))).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

type Value = (Vec<f32>, String, Option<u32>);

#[test]
fn what_was_saved_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = saved(folder.path());
    let value: Value = persist::load(&path, "mine", 3).unwrap();
    assert_eq!(value, (vec![1.0; 40], "text".to_owned(), Some(7)));
    let header = persist::header(&path).unwrap();
    assert_eq!((header.kind, header.model.as_str(), header.revision), (Kind::Model, "mine", 3));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn every_cut_and_every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = saved(folder.path());
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(persist::load::<Value>(&path, "mine", 3).is_err(), "cut to {length} bytes");
    }
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &damaged).unwrap();
        assert!(persist::load::<Value>(&path, "mine", 3).is_err(), "bit {bit} flipped");
    }
    std::fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
    assert!(matches!(persist::load::<Value>(&path, "mine", 3), Err(PersistError::Damaged { .. })));
}

#[test]
fn files_of_something_else_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = saved(folder.path());
    let load = |model, revision| persist::load::<Value>(&path, model, revision).unwrap_err();
    assert!(matches!(load("other", 3), PersistError::OtherModel { .. }));
    assert!(matches!(load("mine", 4), PersistError::Revision { found: 3, expected: 4, .. }));
    let state = persist::load_state::<Value>(&path, "mine", 3).unwrap_err();
    assert!(matches!(state, PersistError::OtherKind { found: Kind::Model, expected: Kind::State, .. }));
    // The checksum is right, the type is another.
    let other = persist::load::<(u8, u8)>(&path, "mine", 3).unwrap_err();
    assert!(matches!(other, PersistError::Damaged { .. }));
    assert!(
        matches!(registry::load(&path).err(), Some(PersistError::UnknownModel { model, .. }) if model == "mine")
    );
    std::fs::write(&path, "user,item\n1,2\n").unwrap();
    assert!(matches!(registry::load(&path).err(), Some(PersistError::NotAModel { .. })));
}

#[test]
fn a_length_that_is_a_lie_allocates_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    // A list that claims 2^60 numbers, under a right checksum.
    persist::save(&path, "mine", 1, &(1_u64 << 60)).unwrap();
    assert!(matches!(persist::load::<Vec<f32>>(&path, "mine", 1), Err(PersistError::Damaged { .. })));
    assert!(matches!(persist::load::<String>(&path, "mine", 1), Err(PersistError::Damaged { .. })));
}

#[test]
fn texts_of_any_length_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    let value = ("a".repeat(2 << 20), vec!["b".repeat(700_000); 3], "short".to_owned());
    persist::save(&path, "mine", 1, &value).unwrap();
    assert!(persist::load::<(String, Vec<String>, String)>(&path, "mine", 1).unwrap() == value);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/a.model");
    let error = persist::save(&path, "mine", 1, &1_u32).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn threads_that_write_one_path_each_leave_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.model");
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..20 {
                    persist::save(path, "mine", 1, &vec![thread; 20_000]).unwrap();
                    let value: Vec<u32> = persist::load(path, "mine", 1).unwrap();
                    assert_eq!(value, [value[0]; 20_000]);
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_state_of_the_version_before_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    persist::save_state(&path, "mine", 1, &1_u32).unwrap();
    assert_eq!(persist::load_state::<u32>(&path, "mine", 1).unwrap(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8..10].copy_from_slice(&2_u16.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let refused = persist::load_state::<u32>(&path, "mine", 1).unwrap_err();
    assert!(matches!(refused, PersistError::Version { found: 2, expected: 3, .. }), "{refused}");
}

/// A small model of every registered kind, fitted.
struct Each<'a>(&'a mut dyn FnMut(Model, Box<dyn FittedModel>));

impl Visit for Each<'_> {
    fn visit<R: Recommender>(&mut self) {
        let log = kitchen();
        let histories = Histories::new(&log);
        let recipe = toml::Table::try_from(R::checked()).unwrap();
        let recipe = Model::parse(R::NAME, recipe).unwrap();
        let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1))).unwrap();
        (self.0)(recipe, model);
    }
}

/// Users of two kinds, and items with names that try a file's patience.
fn kitchen() -> Log {
    let mut users = Vocab::new();
    let mut items = Vocab::new();
    let names = ["bread", "\"butter\"", "jam\nred", "çay", "süt", "bal"];
    let events = (0..12).flat_map(|user| (0..6).map(move |item| (user, item)));
    let taken = events.filter(|(user, item)| user % 2 == item % 2 && (user + item) % 5 != 0);
    let rows = taken.map(|(user, item): (usize, usize)| {
        let user = users.intern(&format!("user {user}")).unwrap();
        (UserId(user), ItemId(items.intern(names[item]).unwrap()))
    });
    let (of_users, of_items): (Vec<_>, Vec<_>) = rows.unzip();
    let values = Some(vec![4.0; of_users.len()]);
    Log::new(of_users, of_items, values, None, Arc::new(users), Arc::new(items)).unwrap()
}

#[test]
fn a_folder_holds_every_kind_of_model() {
    let log = kitchen();
    let histories = Histories::new(&log);
    let mut models = 0;
    Model::visit_all(&mut Each(&mut |recipe, model| {
        models += 1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let vocabs = (log.user_vocab().as_ref(), log.item_vocab().as_ref());
        let from = Provenance { data: Some("abc".into()), seed: Some("1".into()), commit: None };
        // Twice: the second takes the first one's place.
        for _ in 0..2 {
            persist::save_folder(&path, (&recipe, model.as_ref()), vocabs, from.clone()).unwrap();
        }
        let back = persist::load_folder(&path).unwrap();
        assert_eq!(
            (back.recipe, &back.manifest.model, back.manifest.from),
            (recipe, &model.name().to_owned(), from)
        );
        for row in 0..log.n_items() as u32 {
            assert_eq!(back.items.name(row), log.item_vocab().name(row));
        }
        assert_eq!(back.users.len(), log.n_users());
        let queries: Vec<_> = (0..log.n_users() as u32).map(|user| histories.query(UserId(user))).collect();
        let scores = |model: &dyn FittedModel| {
            let mut out = vec![0.0; queries.len() * log.n_items()];
            model.as_score().score(&queries, Items::All, &mut out).unwrap();
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(scores(back.model.as_ref()), scores(model.as_ref()), "{}", model.name());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing is left beside the folder");
    }));
    assert_eq!(models, Model::names().len());
}

#[test]
fn a_damaged_or_foreign_folder_is_a_typed_error() {
    let log = kitchen();
    let vocabs = (log.user_vocab().as_ref(), log.item_vocab().as_ref());
    let histories = Histories::new(&log);
    let recipe = Model::parse("gmf", toml::Table::new()).unwrap();
    let model = recipe.fit(&Training::new(&log, &histories), &mut Run::new(Seed::new(1))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let from = || Provenance { seed: Some("12345".into()), ..Provenance::default() };
    let save = || persist::save_folder(&path, (&recipe, model.as_ref()), vocabs, from());
    let refused = || persist::load_folder(&path).map(|_| ()).unwrap_err();
    assert!(matches!(refused(), PersistError::Io { .. }));
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(refused(), PersistError::NotAModel { .. }));
    assert!(matches!(save(), Err(PersistError::NotAModel { .. })), "a folder of something else stays");
    std::fs::remove_dir(&path).unwrap();
    save().unwrap();
    for name in ["recipe.toml", "users.json", "items.json", "weights.safetensors"] {
        let file = path.join(name);
        let bytes = std::fs::read(&file).unwrap();
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            std::fs::write(&file, flipped).unwrap();
            assert!(matches!(refused(), PersistError::Damaged { .. }), "{name}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(refused(), PersistError::Io { .. }), "{name}");
        std::fs::write(&file, bytes).unwrap();
    }
    let manifest = path.join("manifest.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        std::fs::write(&manifest, text.replace(from, to)).unwrap();
        refused()
    };
    assert!(matches!(
        changed("format = 1", "format = 9"),
        PersistError::Version { found: 9, expected: 1, .. }
    ));
    let revision = format!("revision = {}", model.revision());
    assert!(matches!(changed(&revision, "revision = 77"), PersistError::Revision { found: 77, .. }));
    assert!(matches!(changed("\"gmf\"", "\"nothing\""), PersistError::UnknownModel { .. }));
    assert!(matches!(changed("12345", "12346"), PersistError::Damaged { .. }), "where it comes from");
    let other = Model::parse("mlp", toml::Table::new()).unwrap();
    let mixed = persist::save_folder(&path, (&other, model.as_ref()), vocabs, Provenance::default());
    assert!(matches!(mixed, Err(PersistError::OtherModel { .. })));
}
