//! Fetching, held against a server that misbehaves.

use crate::server::{Page, Server};
use flate2::{Compression, write::GzEncoder};
use seoro_core::dataset::{Checksum, ChecksumKind, Manifest};
use seoro_lab::fetch::{FetchError, Fetched, Progress, fetch, verify};
use std::io::Write;
use std::path::Path;

const RATINGS: &[u8] = b"user,item,value\nmia,tea,5\nmia,rice,3\njun,tea,4\n";

fn sha256(content: &[u8]) -> Checksum {
    Checksum::of(ChecksumKind::Sha256, content.len() as u64, &mut &content[..]).unwrap()
}

/// A manifest of one file, `ratings.csv`; `source` is an archive table or the file's url.
fn manifest(archive: &str, file: &str) -> Manifest {
    let text = format!(
        "name = \"small\"\ntitle = \"Small\"\nkind = \"interactions\"\nhomepage = \"https://example.org\"\n\
         licence = \"CC0\"\ncitation = \"none\"\n{archive}\n[[files]]\nname = \"ratings.csv\"\nrole = \"other\"\n{file}\n"
    );
    Manifest::parse(&text, Path::new("small.toml")).unwrap()
}

fn plain(url: &str) -> Manifest {
    let checksum = sha256(RATINGS);
    manifest("", &format!("url = \"{url}\"\nbytes = {}\nchecksums = [\"{checksum}\"]", RATINGS.len()))
}

fn packed(url: &str, checksum: &str) -> Manifest {
    let archive =
        format!("[archive]\nurls = [\"{url}\"]\nverified = false\nunpacked_bytes = 100_000\n{checksum}");
    manifest(&archive, &format!("checksums = [\"{}\"]", sha256(RATINGS)))
}

fn get(manifest: &Manifest, cache: &Path) -> Result<Fetched, FetchError> {
    fetch(manifest, cache, &mut |_: Progress<'_>| {})
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(content).unwrap();
    gz.finish().unwrap()
}

/// A tar archive in which an entry `linked` of type `kind` points to `target`, then the ratings under `name`.
fn tar_of(link: Option<(tar::EntryType, &str, &str)>, name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    if let Some((kind, linked, target)) = link {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, linked, target).unwrap();
    }
    let mut header = tar::Header::new_ustar();
    header.set_size(RATINGS.len() as u64);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, RATINGS).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn plain_gz_zip_and_tar_arrive_whole_and_alone() {
    let server = Server::start();
    let checksum = sha256(RATINGS);
    let gz_url = server.put("/ratings.csv.gz", Page::new(gz(RATINGS)));
    let cases = [
        plain(&server.put("/ratings.csv", Page::new(RATINGS))),
        manifest("", &format!("url = \"{gz_url}\"\nbytes = {}\nchecksums = [\"{checksum}\"]", RATINGS.len())),
        packed(
            &server.put("/a.zip", Page::new(zip_of(&[("x/README", b"hi"), ("x/ratings.csv", RATINGS)]))),
            "",
        ),
        packed(&server.put("/a.tar.gz", Page::new(gz(&tar_of(None, "x/ratings.csv")))), ""),
    ];
    for manifest in cases {
        let cache = tempfile::tempdir().unwrap();
        let fetched = get(&manifest, cache.path()).unwrap();
        assert!(!fetched.found);
        assert_eq!(std::fs::read(fetched.folder.join("ratings.csv")).unwrap(), RATINGS);
        assert_eq!(names(&fetched.folder), ["ratings.csv"]);
        let beside: Vec<_> =
            names(cache.path()).into_iter().filter(|name| name != "checksums.toml").collect();
        assert_eq!(beside, ["small"], "nothing is left beside the data set");
        server.seen();
        assert!(get(&manifest, cache.path()).unwrap().found);
        assert!(server.seen().is_empty(), "what is there is not fetched again");
    }
}

#[test]
fn a_cut_connection_is_resumed_where_it_ended() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let manifest = plain(&server.put("/r", Page { cut: Some(10), ..Page::new(RATINGS) }));
    let error = get(&manifest, cache.path()).unwrap_err();
    let FetchError::Cut { got, expected, .. } = error else { panic!("{error}") };
    assert_eq!((got, expected), (10, RATINGS.len() as u64));
    assert_eq!(names(cache.path()), ["small.ratings.csv.part", "small.ratings.csv.part.origin"]);
    server.seen();
    server.put("/r", Page::new(RATINGS));
    let fetched = get(&manifest, cache.path()).unwrap();
    assert_eq!(server.seen()[0].range.as_deref(), Some("bytes=10-"));
    assert_eq!(std::fs::read(fetched.folder.join("ratings.csv")).unwrap(), RATINGS);
    assert_eq!(names(cache.path()), ["small"]);
}

#[test]
fn a_beginning_of_another_version_is_thrown_away() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let other = RATINGS.to_ascii_uppercase();
    let manifest =
        plain(&server.put("/r", Page { cut: Some(10), etag: Some("\"old\""), ..Page::new(other) }));
    get(&manifest, cache.path()).unwrap_err();
    server.put("/r", Page::new(RATINGS));
    let fetched = get(&manifest, cache.path()).unwrap();
    assert_eq!(std::fs::read(fetched.folder.join("ratings.csv")).unwrap(), RATINGS);
}

#[test]
fn servers_without_ranges_or_tags_start_over() {
    for (ranges, etag) in [(false, Some("\"one\"")), (true, None)] {
        let server = Server::start();
        let cache = tempfile::tempdir().unwrap();
        let page = Page { ranges, etag, ..Page::new(RATINGS) };
        let manifest = plain(&server.put("/r", Page { cut: Some(10), ..page.clone() }));
        get(&manifest, cache.path()).unwrap_err();
        server.put("/r", page);
        let fetched = get(&manifest, cache.path()).unwrap();
        assert_eq!(std::fs::read(fetched.folder.join("ratings.csv")).unwrap(), RATINGS);
    }
}

#[test]
fn a_part_that_is_whole_already_is_taken_as_it_is() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let url = server.put("/r", Page::new(RATINGS));
    std::fs::write(cache.path().join("small.ratings.csv.part"), RATINGS).unwrap();
    std::fs::write(cache.path().join("small.ratings.csv.part.origin"), format!("{url}\n\"one\"")).unwrap();
    get(&plain(&url), cache.path()).unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "416 with the same length means whole: {seen:?}");
}

#[test]
fn a_part_longer_than_the_content_is_fetched_anew() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let url = server.put("/r", Page::new(RATINGS));
    std::fs::write(cache.path().join("small.ratings.csv.part"), [RATINGS, b"more"].concat()).unwrap();
    std::fs::write(cache.path().join("small.ratings.csv.part.origin"), format!("{url}\n\"one\"")).unwrap();
    let fetched = get(&plain(&url), cache.path()).unwrap();
    assert_eq!(std::fs::read(fetched.folder.join("ratings.csv")).unwrap(), RATINGS);
}

#[test]
fn wrong_content_is_refused_and_not_kept() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let wrong = RATINGS.to_ascii_uppercase();
    let manifest = plain(&server.put("/r", Page::new(wrong.clone())));
    let error = get(&manifest, cache.path()).unwrap_err();
    let FetchError::Checksum { what, found, expected, verified: true } = error else { panic!("{error}") };
    assert_eq!((what.as_str(), found, expected), ("small/ratings.csv", sha256(&wrong), sha256(RATINGS)));
    assert!(names(cache.path()).is_empty());
    let archive = server.put("/a.zip", Page::new(zip_of(&[("ratings.csv", RATINGS)])));
    let manifest = packed(&archive, &format!("checksum = \"{}\"", sha256(b"another archive")));
    let error = get(&manifest, cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Checksum { verified: false, .. }), "{error}");
    assert!(error.to_string().contains("nobody verified"), "{error}");
    assert!(names(cache.path()).is_empty());
}

#[test]
fn statuses_other_than_success_are_errors() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let broken = server.put("/broken", Page { status: 500, ..Page::new("no") });
    let missing = broken.replace("broken", "missing");
    for (url, expected) in [(missing, 404), (broken, 500)] {
        let error = get(&plain(&url), cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::Status { status, .. } if status == expected), "{error}");
        assert!(names(cache.path()).is_empty());
    }
}

#[test]
fn a_second_address_stands_in_for_the_first() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let good = server.put("/good.zip", Page::new(zip_of(&[("ratings.csv", RATINGS)])));
    let gone = good.replace("good", "gone");
    let manifest = packed(&format!("ftp://example.org/a.zip\", \"{gone}\", \"{good}"), "");
    get(&manifest, cache.path()).unwrap();
    let asked: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/gone.zip", "/good.zip"]);
}

#[test]
fn archives_that_lead_out_of_their_folder_unpack_nothing() {
    let server = Server::start();
    let good: (&str, &[u8]) = ("ratings.csv", RATINGS);
    let links = [
        (tar::EntryType::Symlink, "x", "/etc"),
        (tar::EntryType::Symlink, "ratings.csv", "../../secret"),
        (tar::EntryType::Link, "ratings.csv", "/etc/passwd"),
    ];
    let mut archives = vec![
        ("/up.zip", zip_of(&[good, ("../evil", b"evil")])),
        ("/deep.zip", zip_of(&[("a/../../ratings.csv", RATINGS)])),
        ("/absolute.zip", zip_of(&[good, ("/etc/evil", b"evil")])),
        ("/drive.zip", zip_of(&[good, ("C:evil", b"evil")])),
        ("/backslash.zip", zip_of(&[good, ("..\\evil", b"evil")])),
        ("/up.tar.gz", gz(&tar_of(None, "../ratings.csv"))),
        ("/absolute.tar.gz", gz(&tar_of(None, "/tmp/ratings.csv"))),
    ];
    archives.extend(links.map(|link| ("/link.tar.gz", gz(&tar_of(Some(link), "x/ratings.csv")))));
    for (path, archive) in archives {
        let outer = tempfile::tempdir().unwrap();
        let cache = outer.path().join("cache");
        let manifest = packed(&server.put(path, Page::new(archive)), "");
        let error = get(&manifest, &cache).unwrap_err();
        assert!(matches!(error, FetchError::Unsafe { .. }), "{path}: {error}");
        assert!(names(&cache).is_empty(), "{path}");
        assert_eq!(names(outer.path()), ["cache"], "{path}");
    }
}

#[test]
fn bombs_end_at_the_limit() {
    let server = Server::start();
    let zeros = vec![0u8; 10_000_000];
    let mut bomb = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(zeros.len() as u64);
    bomb.append_data(&mut header, "unwanted", &zeros[..]).unwrap();
    let cases = [
        ("/bomb.zip", zip_of(&[("ratings.csv", &zeros)])),
        ("/bomb.tar.gz", gz(&bomb.into_inner().unwrap())),
        ("/bomb.gz", gz(&zeros)),
    ];
    for (path, archive) in cases {
        assert!(archive.len() < 100_000);
        let cache = tempfile::tempdir().unwrap();
        let url = server.put(path, Page::new(archive));
        let error = get(&packed(&url, ""), cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit: 100_000, .. }), "{path}: {error}");
        assert!(names(cache.path()).is_empty(), "{path}");
    }
    // A server that never stops sending, and does not say how much.
    let cache = tempfile::tempdir().unwrap();
    let url = server.put("/endless.zip", Page { length: false, ..Page::new(zeros) });
    let error = get(&packed(&url, ""), cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}

#[test]
fn archives_without_or_with_two_of_a_file_are_refused() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let none = zip_of(&[("other.csv", RATINGS)]);
    let two = zip_of(&[("a/ratings.csv", RATINGS), ("b/ratings.csv", RATINGS)]);
    for (archive, count) in [(none, 0), (two, 2)] {
        let manifest = packed(&server.put("/a.zip", Page::new(archive)), "");
        let error = get(&manifest, cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::Member { found, .. } if found == count), "{error}");
    }
    for (path, garbage) in [("/a.zip", &b"no zip"[..]), ("/a.tar.gz", b"no gz"), ("/a.gz", b"no gz")] {
        let manifest = packed(&server.put(path, Page::new(garbage)), "");
        let error = get(&manifest, cache.path()).unwrap_err();
        assert!(matches!(error, FetchError::Archive { .. }), "{error}");
    }
    assert!(names(cache.path()).is_empty());
}

#[test]
fn an_unverified_checksum_is_recorded_then_enforced() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let url = server.put("/r", Page::new(RATINGS));
    let manifest = manifest("", &format!("url = \"{url}\"\nverified = false"));
    let fetched = get(&manifest, cache.path()).unwrap();
    assert_eq!(fetched.recorded, [("ratings.csv".to_owned(), sha256(RATINGS))]);
    let records = std::fs::read_to_string(cache.path().join("checksums.toml")).unwrap();
    assert!(records.contains(&sha256(RATINGS).to_string()));
    verify(&manifest, cache.path()).unwrap();
    // Somebody changes the file: the record tells, and a new fetch of the same content repairs it.
    let changed = RATINGS.to_ascii_uppercase();
    std::fs::write(fetched.folder.join("ratings.csv"), &changed).unwrap();
    let error = verify(&manifest, cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Recorded { .. }), "{error}");
    get(&manifest, cache.path()).unwrap();
    verify(&manifest, cache.path()).unwrap();
    // The server changes its mind: the first content stays.
    server.put("/r", Page { etag: Some("\"two\""), ..Page::new(changed) });
    std::fs::remove_dir_all(&fetched.folder).unwrap();
    let error = get(&manifest, cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Recorded { .. }), "{error}");
    assert_eq!(names(cache.path()), ["checksums.toml"]);
}

#[test]
fn what_cannot_be_fetched_says_so_without_asking() {
    let cache = tempfile::tempdir().unwrap();
    let error = get(&manifest("", ""), cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::NoAddress { .. }), "{error}");
    let error = get(&packed("ftp://example.org/a.zip", ""), cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Scheme { .. }), "{error}");
    let error = get(&packed("https://example.org/a.7z", ""), cache.path()).unwrap_err();
    assert!(matches!(error, FetchError::Packing { .. }), "{error}");
    assert!(names(cache.path()).is_empty());
}

#[test]
fn progress_counts_up_to_the_length() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let manifest = plain(&server.put("/r", Page::new(RATINGS)));
    let mut seen = Vec::new();
    let mut observe = |progress: Progress<'_>| {
        if let Progress::Download { done, total, .. } = progress {
            seen.push((done, total));
        }
    };
    fetch(&manifest, cache.path(), &mut observe).unwrap();
    let total = RATINGS.len() as u64;
    assert_eq!(seen.last(), Some(&(total, Some(total))));
    assert!(seen.is_sorted());
}

#[test]
fn what_is_recorded_of_a_set_that_was_there_is_said() {
    let cache = tempfile::tempdir().unwrap();
    let manifest = manifest("", "url = \"http://localhost:1/ratings.csv\"\nverified = false");
    let folder = cache.path().join("small");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("ratings.csv"), RATINGS).unwrap();
    let fetched = get(&manifest, cache.path()).unwrap();
    assert!(fetched.found);
    assert_eq!(fetched.recorded, [("ratings.csv".to_owned(), sha256(RATINGS))]);
    let again = get(&manifest, cache.path()).unwrap();
    assert!(again.found && again.recorded.is_empty());
}
