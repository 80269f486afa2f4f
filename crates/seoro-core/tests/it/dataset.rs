//! Manifests, and what is loaded by them, on data of a few lines.

use seoro_core::dataset::{Checksum, ChecksumKind, Dataset, DatasetError, Manifest, ManifestError, load};
use seoro_core::{ColumnData, ItemId};
use std::path::Path;

const HEAD: &str = "name = \"small\"\ntitle = \"Small\"\nkind = \"interactions\"\n\
    homepage = \"https://example.org\"\nlicence = \"CC0\"\ncitation = \"none\"\n";
const TSV: &str = "format = { kind = \"delimited\", value = 2 }";

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text, Path::new("sets/small.toml"))
}

/// Loads a data set of these files by a manifest of these lines after the head.
fn load_small(manifest: &str, files: &[(&str, &str)]) -> Result<Dataset, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    for (file, content) in files {
        std::fs::write(folder.path().join("small").join(file), content).unwrap();
    }
    load(&parse(&format!("{HEAD}{manifest}")).unwrap(), folder.path())
}

fn log(name: &str, rest: &str) -> String {
    format!("[[files]]\nname = \"{name}\"\nrole = \"log\"\n{TSV}\n{rest}\n")
}

const RATINGS: &str = "mia\ttea\t5\nmia\trice\t3\njun\ttea\t4\nmia\ttea\t1\n";

#[test]
fn errors_in_manifests_name_file_and_line() {
    let line_of = |text: String| match parse(&text) {
        Err(ManifestError::Parse { path, line, .. } | ManifestError::Value { path, line, .. }) => {
            assert_eq!(path, Path::new("sets/small.toml"));
            line
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(line_of(format!("{HEAD}colour = 1\nfiles = []\n")), 7, "an unknown key");
    assert_eq!(line_of(format!("{HEAD}files = [\n")), 7, "no end");
    assert_eq!(line_of(format!("{HEAD}[[files]]\nname = \"a\"\nrole = \"picture\"\n")), 9, "an unknown role");
    assert_eq!(
        line_of(format!("{HEAD}[[files]]\nname = \"../a\"\nrole = \"other\"\n")),
        8,
        "a name that leads out"
    );
    let twice = "[[files]]\nname = \"a\"\nrole = \"other\"\n".repeat(2);
    assert_eq!(line_of(format!("{HEAD}{twice}")), 11, "a name that stands twice");
    let short = "[[files]]\nname = \"a\"\nrole = \"other\"\nchecksums = [\"sha256:00\"]\n";
    assert_eq!(line_of(format!("{HEAD}{short}")), 10, "half a checksum");
    let other = HEAD.replace("\"small\"", "\"large\"");
    assert_eq!(line_of(format!("{other}files = []\n")), 1, "another name than the file's");
    let filters = "filters = [{ kind = \"core\", users = 2, items = 2 }]\n";
    let logs = [log("a", "part = \"train\""), log("b", "part = \"test\"")].concat();
    assert!(matches!(
        parse(&format!("{HEAD}{filters}{logs}")),
        Err(ManifestError::Value { key: "filters", .. })
    ));
}

#[test]
fn numbered_rows_stay_below_what_the_manifest_counts() {
    use seoro_core::format::ReadError;
    let manifest = |filters: &str| {
        let log = log("a.tsv", "");
        format!("numbered = true\n{filters}\n{log}[counts]\nusers = 2\nitems = 4\n")
    };
    let (whole, gap) = ("0\t3\t5\n1\t0\t5\n", "0\t3\t5\n\n2\t0\t5\n");
    assert_eq!(load_small(&manifest(""), &[("a.tsv", whole)]).unwrap().counts["items"], 4);
    match load_small(&manifest(""), &[("a.tsv", gap)]).unwrap_err() {
        DatasetError::Read(ReadError::Row { line: 3, column: 1, row: 2, below: 2, .. }) => {}
        other => panic!("{other}"),
    }
    // What is counted after a filter says nothing of the file's own rows.
    let shrunk = manifest("filters = [{ kind = \"shrink\" }]").replace("items = 4", "items = 2");
    assert_eq!(load_small(&shrunk, &[("a.tsv", gap)]).unwrap().counts["users"], 2);
}

#[test]
fn parts_share_vocabularies_and_are_counted() {
    let files = [("train.tsv", RATINGS), ("test.tsv", "jun\trice\t2\n")];
    let manifest = [
        log("train.tsv", "part = \"train\""),
        log("test.tsv", "part = \"test\""),
        "[counts]\nusers = 2\nitems = 2\ninteractions = 5\n\"train.users\" = 2\n\"test.items\" = 1\n"
            .to_owned(),
    ];
    let dataset = load_small(&manifest.concat(), &files).unwrap();
    let (train, test) = (&dataset.logs["train"], &dataset.logs["test"]);
    assert_eq!((train.len(), test.len()), (4, 1));
    assert_eq!(train.item_vocab(), test.item_vocab());
    assert_eq!(test.items(), [ItemId(1)]);
    assert_eq!(dataset.counts["train.interactions"], 4);
}

#[test]
fn filters_come_before_the_counts() {
    let filters = "filters = [{ kind = \"dedupe\", keep = \"highest-value\" }, { kind = \"at-least\", value = 4.0 }, { kind = \"shrink\" }]\n";
    let counts = "[counts]\nusers = 2\nitems = 1\ninteractions = 2\n";
    let manifest = [filters.to_owned(), log("r.tsv", ""), counts.to_owned()].concat();
    let dataset = load_small(&manifest, &[("r.tsv", RATINGS)]).unwrap();
    assert_eq!(dataset.logs["all"].values(), None);
}

#[test]
fn a_wrong_count_names_manifest_count_and_expectation() {
    let wrong = [log("r.tsv", ""), "[counts]\ninteractions = 5\n".to_owned()].concat();
    let error = load_small(&wrong, &[("r.tsv", RATINGS)]).unwrap_err();
    assert_eq!(error.to_string(), "small: 4 interactions; expected 5");
    let unknown = [log("r.tsv", ""), "[counts]\nclicks = 5\n".to_owned()].concat();
    let error = load_small(&unknown, &[("r.tsv", RATINGS)]).unwrap_err();
    assert!(matches!(error, DatasetError::UnknownCount { .. }), "{error}");
}

#[test]
fn any_of_several_checksums_will_do() {
    let checksum = |kind, content: &str| {
        Checksum::of(kind, content.len() as u64, &mut content.as_bytes()).unwrap().to_string()
    };
    let sorted = "jun\ttea\t4\nmia\trice\t3\nmia\ttea\t5\nmia\ttea\t1\n";
    let accepted = [checksum(ChecksumKind::Sha256, sorted), checksum(ChecksumKind::GitBlob, RATINGS)];
    let manifest = log("r.tsv", &format!("bytes = {}\nchecksums = {accepted:?}", RATINGS.len()));
    load_small(&manifest, &[("r.tsv", sorted)]).unwrap();
    load_small(&manifest, &[("r.tsv", RATINGS)]).unwrap();
    let other = RATINGS.replace('5', "4");
    let error = load_small(&manifest, &[("r.tsv", &other)]).unwrap_err();
    assert!(matches!(error, DatasetError::Checksum { .. }), "{error}");
    let error = load_small(&manifest, &[("r.tsv", &RATINGS[..20])]).unwrap_err();
    assert!(matches!(error, DatasetError::Cut { line: 2, bytes: 20, .. }), "{error}");
    let error = load_small(&manifest, &[]).unwrap_err();
    assert!(matches!(error, DatasetError::Missing { .. }), "{error}");
}

#[test]
fn tables_become_features_of_the_logs_rows() {
    let table = "[[files]]\nname = \"items.csv\"\nrole = \"items\"\n[files.table]\ndelimiter = \",\"\nquotes = true\nid = \"item\"\nfeatures = [\n\
        { name = \"kind\", column = \"kind\", kind = \"labels\", separator = \"|\" },\n\
        { name = \"price\", column = \"price\", kind = \"numeric\" },\n\
        { name = \"from\", column = \"from\", kind = \"categorical\" },\n\
        { name = \"taste\", column = \"hot\", kind = \"flags\", labels = [\"hot\", \"sweet\"] },\n]\n";
    let content = "item,kind,price,from,hot,sweet\n\
        rice,grain|food,1.5,\"Iri, Jeolla\",0,0\n\
        soup,food,2,Busan,1,0\n\
        tea,drink,,\"the \"\"old\"\" house\",1,1\n";
    let manifest = [log("r.tsv", ""), table.to_owned(), "[counts]\n\"items.rows\" = 3\n".to_owned()].concat();
    let dataset = load_small(&manifest, &[("r.tsv", RATINGS), ("items.csv", content)]).unwrap();
    let items = dataset.items.unwrap();
    assert_eq!(items.rows(), 2);
    let names = |name: &str, row: usize| -> Vec<String> {
        let column = items.column(name).unwrap();
        let (ColumnData::Labels { labels, .. } | ColumnData::Categorical { labels, .. }) = column else {
            panic!("{name} has labels")
        };
        column.codes(row).iter().map(|&code| labels.name(code).unwrap().into_owned()).collect()
    };
    let (tea, rice) = (0, 1);
    assert_eq!(names("kind", tea), ["drink"]);
    assert_eq!(names("kind", rice), ["grain", "food"]);
    assert_eq!(names("from", tea), ["the \"old\" house"]);
    assert_eq!(names("from", rice), ["Iri, Jeolla"]);
    assert_eq!(names("taste", tea), ["hot", "sweet"]);
    assert!(names("taste", rice).is_empty());
    let Some(ColumnData::Numeric(price)) = items.column("price") else { panic!("prices are numbers") };
    assert!(price[tea].is_nan());
    assert_eq!(price[rice], 1.5);
    for (wrong, line) in [("1.5,", 1), ("grain|food,1.5", 2), ("1.5", 2), ("Busan,1", 3)] {
        let content = match line {
            1 => content.replacen("price", "cost", 1),
            3 => content.replacen(wrong, "Busan,maybe", 1).replacen("soup", "tea", 1),
            _ => content.replacen(wrong, "much", 1),
        };
        let error = load_small(&manifest, &[("r.tsv", RATINGS), ("items.csv", &content)]).unwrap_err();
        assert!(error.to_string().contains(&format!("items.csv:{line}:")), "{wrong}: {error}");
    }
}

#[test]
fn candidates_belong_to_the_events_of_their_part() {
    let lists = "[[files]]\nname = \"negatives\"\nrole = \"candidates\"\npart = \"test\"\n";
    let manifest =
        [log("a.tsv", "part = \"train\""), log("b.tsv", "part = \"test\""), lists.to_owned()].concat();
    let with = |negatives| {
        load_small(&manifest, &[("a.tsv", RATINGS), ("b.tsv", "jun\trice\t2\n"), ("negatives", negatives)])
    };
    let dataset = with("(jun,rice)\ttea\trice\n").unwrap();
    let candidates = &dataset.candidates["test"];
    assert_eq!((candidates.len(), candidates.list(0)), (1, &[ItemId(0), ItemId(1)][..]));
    for wrong in [
        "",
        "(mia,rice)\ttea\n",
        "(jun,rice)\tmilk\n",
        "jun,rice\ttea\n",
        "(jun,rice)\ttea\n(jun,rice)\ttea\n",
    ] {
        let error = with(wrong).unwrap_err();
        assert!(matches!(error, DatasetError::Malformed { .. }), "{wrong:?}: {error}");
    }
}

#[test]
fn prefixes_share_the_items_of_the_sessions() {
    let manifest = "[[files]]\nname = \"train\"\nrole = \"log\"\npart = \"train\"\nformat = { kind = \"sessions\" }\n\
        [[files]]\nname = \"test\"\nrole = \"prefixes\"\npart = \"test\"\n\
        [counts]\nitems = 4\nusers = 2\n\"train.items\" = 3\n\"test.prefixes\" = 2\n";
    let load = |test| load_small(manifest, &[("train", "7 8\n8 9\n"), ("test", test)]);
    let dataset = load("9 7\t5\t1234\n7\t8\n").unwrap();
    let prefixes = &dataset.prefixes["test"];
    assert_eq!((prefixes.items(0), prefixes.items(1)), (&[ItemId(2), ItemId(0)][..], &[ItemId(0)][..]));
    assert_eq!(prefixes.targets(), [ItemId(3), ItemId(1)]);
    assert_eq!(dataset.logs["train"].item_vocab().name(3).as_deref(), Some("5"));
    for wrong in ["9 7\n", "\t5\n", "9\t5 6\n"] {
        let error = load(wrong).unwrap_err();
        assert!(matches!(error, DatasetError::Malformed { line: 1, .. }), "{wrong:?}: {error}");
    }
}

#[test]
fn texts_and_words_are_counted() {
    let manifest = "[[files]]\nname = \"reviews\"\nrole = \"text\"\ncolumn = 2\n\
        [[files]]\nname = \"pairs\"\nrole = \"pairs\"\npart = \"p\"\n\
        [[files]]\nname = \"questions\"\nrole = \"analogies\"\npart = \"q\"\n\
        [counts]\nlines = 2\ntokens = 5\n\"p.pairs\" = 1\n\"q.questions\" = 2\n\"q.sections\" = 1\n";
    let load = |reviews, pairs, questions| {
        load_small(manifest, &[("reviews", reviews), ("pairs", pairs), ("questions", questions)])
    };
    let (reviews, pairs, questions) =
        ("1\ta  good film\n2\tbad one\n", "# head\nsun\tlight\t5.0\n", ": c\na b c d\ne f g h\n");
    load(reviews, pairs, questions).unwrap();
    assert!(matches!(load("no column\n", pairs, questions), Err(DatasetError::Malformed { line: 1, .. })));
    assert!(matches!(load(reviews, "sun light\n", questions), Err(DatasetError::Malformed { line: 1, .. })));
    assert!(matches!(
        load(reviews, "sun light NaN\n", questions),
        Err(DatasetError::Malformed { line: 1, .. })
    ));
    assert!(matches!(load(reviews, pairs, ": c\na b c\n"), Err(DatasetError::Malformed { line: 2, .. })));
}
