//! The manifests of `datasets/`, built into the lab, so that it knows them wherever it runs.

use seoro_core::dataset::{Manifest, ManifestError};
use std::path::Path;

macro_rules! manifests {
    ($($name:literal),* $(,)?) => {
        /// The manifests' names and texts, in the order of their names.
        pub const MANIFESTS: &[(&str, &str)] = &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/", $name, ".toml")),
        )),*];
    };
}

manifests![
    "cdae-ml-1m",
    "hetrec2011-lastfm-2k",
    "kgat-amazon-book",
    "kuairand-pure-part",
    "lightgcn-gowalla",
    "lightgcn-yelp2018",
    "ml-100k",
    "ml-10m",
    "ml-1m",
    "ml-latest-small",
    "mnist",
    "ncf-ml-1m",
    "ncf-pinterest-20",
    "rsc15-clicks-100k",
    "sessions-diginetica",
    "sessions-retailrocket",
    "sessions-yoochoose1_64",
    "sift1m",
    "text-aclimdb",
    "text8",
    "wordsim-analogy",
];

/// The names of the data sets there are manifests of.
pub fn names() -> impl Iterator<Item = &'static str> {
    MANIFESTS.iter().map(|&(name, _)| name)
}

/// The manifest of the data set `name`; `None` where there is none of this name.
///
/// ```
/// let manifest = seoro_lab::manifests::find("ml-1m").unwrap()?;
/// assert_eq!(manifest.counts["interactions"], 1_000_209);
/// # Ok::<(), seoro_core::dataset::ManifestError>(())
/// ```
pub fn find(name: &str) -> Option<Result<Manifest, ManifestError>> {
    let &(name, text) = MANIFESTS.iter().find(|(known, _)| *known == name)?;
    Some(Manifest::parse(text, Path::new(&format!("datasets/{name}.toml"))))
}
