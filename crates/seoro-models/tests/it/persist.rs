//! Files of models: what comes back, and that damage is found.

use seoro_models::persist::{self, Kind, PersistError};
use seoro_models::registry;
use std::path::{Path, PathBuf};

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
    bytes[8..10].copy_from_slice(&1_u16.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let refused = persist::load_state::<u32>(&path, "mine", 1).unwrap_err();
    assert!(matches!(refused, PersistError::Version { found: 1, expected: 2, .. }), "{refused}");
}
