//! Indexes saved, loaded, mapped, and changed after that.

use crate::oracle::{METRICS, random};
use seoro_ann::{
    AnyIndex, Ask, Build, FileError, Flat, FlatIndex, Forest, ForestIndex, Hnsw, HnswIndex, Index, Ivf,
    IvfPq, Kind, Metric, Neighbor, Points, Pq, Storage, Tables, UpdateError, Verify, open,
};
use seoro_core::{Matrix, Seed};
use std::path::Path;

/// An index of each kind over these vectors, small enough to have many trees, layers and leaves.
pub(crate) fn all(vectors: &Matrix, metric: Metric, ids: Option<&[u64]>) -> Vec<AnyIndex> {
    let mut points = Points::new(vectors, metric);
    points.ids = ids;
    let build = Build::new(Seed::new(4));
    let forest = Forest { trees: 3, leaf: Some(4), head: 8, ..Forest::default() };
    let flat = |storage| AnyIndex::Flat(Flat { storage }.build(&points, &build).unwrap());
    let hnsw = |storage| {
        let recipe = Hnsw { m: 3, ef_construction: 20, ef: 10, head: 8, storage, ..Hnsw::default() };
        AnyIndex::Hnsw(recipe.build(&points, &build).unwrap())
    };
    let mut all = vec![
        flat(Storage::F32),
        AnyIndex::Forest(forest.build(&points, &build).unwrap()),
        hnsw(Storage::F32),
    ];
    for storage in [Storage::Int8, Storage::Int8Reranked, Storage::Bf16] {
        all.extend([flat(storage), hnsw(storage)]);
    }
    for storage in [Storage::F32, Storage::Int8, Storage::Int8Reranked, Storage::Bf16] {
        let ivf = Ivf { lists: Some(5), probe: 2, storage, ..Ivf::default() };
        all.push(AnyIndex::Ivf(ivf.build(&points, &build).unwrap()));
    }
    for (bits, keep) in [(8, true), (8, false), (4, true), (4, false)] {
        let rerank = if keep { 20 } else { 0 };
        let tables = if keep { Tables::Asymmetric } else { Tables::Symmetric };
        let rotations = if keep { 0 } else { 2 };
        let pq = Pq { bits, keep, rerank, tables, rotations, iterations: 4, ..Pq::default() };
        all.push(AnyIndex::Pq(pq.build(&points, &build).unwrap()));
        let ivf_pq = IvfPq { lists: Some(4), bits, keep, rerank, probe: 2, ..IvfPq::default() };
        let ivf_pq = IvfPq { iterations: 4, word_iterations: 4, rotations, ..ivf_pq };
        all.push(AnyIndex::IvfPq(ivf_pq.build(&points, &build).unwrap()));
    }
    all
}

/// What an index answers: by itself and in a batch, with little effort and all, with a filter and without.
pub(crate) fn answers(index: &dyn Index, queries: &Matrix) -> Vec<Vec<Neighbor>> {
    let odd = |id: u64| id % 2 == 1;
    let asks = [Ask::new(1), Ask::new(5).effort(7), Ask::new(300), Ask::new(3).filter(&odd)];
    let mut scratch = index.scratch();
    let mut all = Vec::new();
    for ask in &asks {
        for query in 0..queries.rows() {
            let mut out = Vec::new();
            index.search(queries.row(query), ask, &mut scratch, &mut out).unwrap();
            all.push(out);
        }
        all.extend(index.search_batch(queries, ask).unwrap());
    }
    all
}

#[test]
fn what_is_read_answers_as_what_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    // Without vectors, without dimensions, with heads, with places in another order.
    for (rows, dim) in [(0, 3), (5, 0), (1, 1), (90, 5), (90, 40), (0, 40), (60, 130)] {
        let (vectors, queries) = (random(rows, dim, "vectors"), random(3, dim, "queries"));
        let ids: Vec<u64> = (0..rows as u64).map(|row| row * row + (row << 40)).collect();
        for (metric, ids) in METRICS.into_iter().flat_map(|metric| [(metric, None), (metric, Some(&ids[..]))])
        {
            for index in all(&vectors, metric, ids) {
                index.save(&path).unwrap();
                let saved = std::fs::read(&path).unwrap();
                let truth = answers(&index, &queries);
                let read = [
                    AnyIndex::load(&path).unwrap(),
                    AnyIndex::map(&path).unwrap(),
                    AnyIndex::map_with(&path, Verify::Structure).unwrap(),
                ];
                for read in read {
                    assert_eq!((read.kind(), read.len(), read.dim()), (index.kind(), rows, dim));
                    assert_eq!((read.metric(), read.bytes()), (metric, index.bytes()));
                    assert_eq!(answers(&read, &queries), truth, "{:?} {rows} {dim} {metric:?}", index.kind());
                    read.save(&path).unwrap();
                    assert_eq!(std::fs::read(&path).unwrap(), saved);
                }
                assert_eq!(answers(&*open(&path).unwrap(), &queries), truth);
            }
        }
    }
}

#[test]
fn only_forests_change_once_they_are_built() {
    let vectors = random(30, 4, "vectors");
    for mut index in all(&vectors, Metric::SquaredL2, None) {
        let kind = index.kind();
        let (deleted, added) = (index.delete(3), index.add(40, vectors.row(0)));
        match kind {
            Kind::Forest => {
                assert_eq!((deleted, added), (Ok(()), Ok(())));
                assert_eq!(index.delete(3), Err(UpdateError::Unknown { id: 3 }));
            }
            _ => {
                let frozen = UpdateError::Frozen { kind };
                assert_eq!((deleted, added), (Err(frozen.clone()), Err(frozen)));
            }
        }
        assert_eq!(index.len(), 30);
    }
}

/// The same deletions and additions, of vectors old and new.
fn change(index: &mut ForestIndex, vectors: &Matrix) {
    for id in [3, 77, 40, 5] {
        index.delete(id).unwrap();
    }
    index.add(40, vectors.row(0)).unwrap();
    index.add(1000, vectors.row(1)).unwrap();
}

#[test]
fn mapped_forests_change_as_owned_ones_and_leave_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    for (dim, metric) in [(5, Metric::SquaredL2), (40, Metric::InnerProduct), (40, Metric::Cosine)] {
        let (vectors, queries) = (random(90, dim, "vectors"), random(5, dim, "queries"));
        let AnyIndex::Forest(mut owned) = all(&vectors, metric, None).swap_remove(1) else { unreachable!() };
        owned.save(&path).unwrap();
        let saved = std::fs::read(&path).unwrap();
        let mut mapped = ForestIndex::map(&path).unwrap();
        change(&mut owned, &vectors);
        change(&mut mapped, &vectors);
        let truth = answers(&owned, &queries);
        assert_eq!(answers(&mapped, &queries), truth);
        assert_eq!(std::fs::read(&path).unwrap(), saved);

        // Two rows are free, one under an id that is there again elsewhere.
        mapped.save(&path).unwrap();
        let mut again = ForestIndex::load(&path).unwrap();
        assert_eq!((again.len(), answers(&again, &queries)), (88, truth));
        assert!(again.contains(40) && again.contains(1000) && !again.contains(3));
        change_back(&mut owned, &vectors);
        change_back(&mut again, &vectors);
        assert_eq!(answers(&again, &queries), answers(&owned, &queries));
    }
}

fn change_back(index: &mut ForestIndex, vectors: &Matrix) {
    index.delete(1000).unwrap();
    [3, 5, 77].into_iter().for_each(|id| index.add(id, vectors.row(id as usize)).unwrap());
}

#[test]
fn what_is_mapped_outlives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let (vectors, queries) = (random(90, 5, "vectors"), random(3, 5, "queries"));
    let indexes = all(&vectors, Metric::Cosine, None);
    indexes[0].save(&path).unwrap();
    let mapped = FlatIndex::map(&path).unwrap();
    indexes[2].save(&path).unwrap();
    let truth = answers(&indexes[0], &queries);
    assert_eq!(answers(&mapped, &queries), truth);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(answers(&mapped.clone(), &queries), truth);
}

#[test]
fn what_is_no_such_index_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = &all(&random(9, 2, "vectors"), Metric::Cosine, None)[0];
    index.save(&path).unwrap();
    let expected = "holds Flat; expected Hnsw";
    assert!(HnswIndex::load(&path).unwrap_err().to_string().ends_with(expected));
    assert!(matches!(
        ForestIndex::map(&path),
        Err(FileError::Kind { found: Kind::Flat, expected: Kind::Forest, .. })
    ));
    let saved = std::fs::read(&path).unwrap();
    let error = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        FlatIndex::map(&path).unwrap_err()
    };
    assert!(matches!(error(b""), FileError::NotAnIndex { .. }));
    assert!(matches!(error(&saved[..40]), FileError::NotAnIndex { .. }));
    assert!(matches!(error(&[b'x'; 100]), FileError::NotAnIndex { .. }));
    let damaged = error(&saved[..saved.len() - 1]);
    assert!(
        damaged.to_string().ends_with("section header, element 24: expected the file's length"),
        "{damaged}"
    );
    let changed = |place: usize, by: u8| {
        let mut changed = saved.clone();
        changed[place] ^= by;
        changed
    };
    assert!(matches!(error(&changed(8, 1)), FileError::Version { found: 5, expected: 4, .. }));
    assert!(matches!(error(&changed(40, 1)), FileError::Checksum { section: "header", .. }));
    assert!(matches!(error(&changed(saved.len() - 1, 1)), FileError::Checksum { section: "rows", .. }));
    assert!(matches!(FlatIndex::map(folder.path().join("none")), Err(FileError::Io { .. })));
    assert!(matches!(
        FlatIndex::load(folder.path()),
        Err(FileError::Io { .. } | FileError::NotAnIndex { .. })
    ));
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn nothing_half_written_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let index = &all(&random(9, 2, "vectors"), Metric::Cosine, None)[2];
    index.save(folder.path().join("index")).unwrap();
    assert_eq!(names(folder.path()), ["index"]);
    // A folder that has something in it cannot be replaced by a file.
    std::fs::create_dir_all(folder.path().join("folder/full")).unwrap();
    assert!(matches!(index.save(folder.path().join("folder")), Err(FileError::Io { .. })));
    assert!(matches!(index.save(folder.path().join("none/index")), Err(FileError::Io { .. })));
    assert_eq!(names(folder.path()).len(), 2);
}
