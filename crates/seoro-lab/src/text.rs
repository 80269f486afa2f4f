//! The movie reviews as words, and what people say of words.

use crate::cell::hash;
use crate::data::{Folders, fingerprint_of, load};
use crate::{LabError, workplace};
use seoro_core::dataset;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

/// The data set of the text, and its file.
const TEXT: (&str, &str) = ("text-aclimdb", "reviews.tsv");

/// The data set of judgements and questions.
pub(crate) const JUDGEMENTS: &str = "wordsim-analogy";

/// Raised whenever the same text becomes other words.
pub(crate) const REVISION: u32 = 1;

/// A text of one review a line, words parted by a blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Corpus {
    pub(crate) path: PathBuf,
    /// How many words, repeats counted.
    pub(crate) words: u64,
}

/// Two words, and how similar people find them.
pub(crate) type Pair = (String, String, f64);

/// The reviews until `most` words are reached, or all; made where they are not kept.
///
/// # Errors
/// A data set that is missing or another, a folder that cannot be written.
pub(crate) fn reviews(folders: &Folders, most: Option<u64>) -> Result<Corpus, LabError> {
    let key = hash(&serde_json::json!([fingerprint_of(TEXT.0)?, REVISION, most]));
    let path = workplace::target().join("experiments/text").join(format!("reviews-{key}.txt"));
    let count = path.with_extension("words");
    let known = std::fs::read_to_string(&count).ok().filter(|_| path.is_file());
    if let Some(words) = known.and_then(|text| text.trim().parse().ok()) {
        return Ok(Corpus { path, words });
    }
    let found = load(TEXT.0, folders)?;
    let from = file(&found, TEXT.1)?;
    let reader = BufReader::new(dataset::open(from)?);
    let folder = path.parent().unwrap_or(&path).to_owned();
    std::fs::create_dir_all(&folder).map_err(LabError::io(&folder))?;
    let mut all = 0;
    let written = seoro_core::replace_file(&path, |file| {
        let (mut out, mut line, mut words) = (BufWriter::new(file), String::new(), 0);
        for review in reader.lines() {
            line.clear();
            // The text is the last of five columns.
            words += put_words(review?.splitn(5, '\t').last().unwrap_or_default(), &mut line);
            writeln!(out, "{line}")?;
            if most.is_some_and(|most| words >= most) {
                break;
            }
        }
        all = words;
        out.flush()
    });
    written.map_err(LabError::io(&path))?;
    // Told last, so that a text that is counted is there.
    workplace::write_whole(&count, all.to_string().as_bytes())?;
    Ok(Corpus { path, words: all })
}

/// Appends the words of a review, and says how many: letters and digits in lower case, with apostrophes between them.
fn put_words(review: &str, out: &mut String) -> u64 {
    let lower = review.to_lowercase().replace("<br />", " ");
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (bytes, mut end, mut words) = (lower.as_bytes(), 0, 0);
    while let Some(skipped) = bytes[end..].iter().position(is_letter) {
        let start = end + skipped;
        end = start;
        while bytes.get(end).is_some_and(is_letter)
            || (bytes.get(end) == Some(&b'\'') && bytes.get(end + 1).is_some_and(is_letter))
        {
            end += 1;
        }
        if words > 0 {
            out.push(' ');
        }
        out.push_str(&lower[start..end]);
        words += 1;
    }
    words
}

/// The pairs of a file of judgements, in lower case.
///
/// # Errors
/// A data set that is missing or another.
pub(crate) fn pairs(folders: &Folders, name: &str) -> Result<Vec<Pair>, LabError> {
    let pair = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (a, b) = (fields.next()?.to_lowercase(), fields.next()?.to_lowercase());
        Some((a, b, fields.next()?.parse().ok()?))
    };
    let lines = lines(folders, name)?;
    Ok(lines.iter().filter(|line| !line.starts_with('#')).filter_map(|line| pair(line)).collect())
}

/// Questions of analogy by section, in lower case.
///
/// # Errors
/// A data set that is missing or another.
pub(crate) fn questions(folders: &Folders, name: &str) -> Result<Vec<(String, [String; 4])>, LabError> {
    let (mut section, mut questions) = (String::new(), Vec::new());
    for line in lines(folders, name)? {
        match line.strip_prefix(':') {
            Some(title) => section = title.trim().to_owned(),
            None => {
                let words: Vec<String> = line.split_ascii_whitespace().map(str::to_lowercase).collect();
                questions.extend(<[String; 4]>::try_from(words).ok().map(|words| (section.clone(), words)));
            }
        }
    }
    Ok(questions)
}

/// The lines of a file of judgements, whose form its manifest's counts have held it to.
fn lines(folders: &Folders, name: &str) -> Result<Vec<String>, LabError> {
    let found = load(JUDGEMENTS, folders)?;
    let path = file(&found, name)?;
    let lines: Result<Vec<String>, _> = BufReader::new(dataset::open(path)?).lines().collect();
    lines.map_err(LabError::io(path))
}

fn file<'a>(found: &'a dataset::Dataset, name: &str) -> Result<&'a PathBuf, LabError> {
    let missing = || LabError::Usage(format!("{}: no file called {name}", found.name));
    found.paths.get(name).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_digits_and_apostrophes_between_them() {
        let mut line = String::new();
        let count = put_words("I don't 'like' it.<br />10/10! Caf\u{e9} rock'n'roll'", &mut line);
        assert_eq!((count, line.as_str()), (8, "i don't like it 10 10 caf rock'n'roll"));
        assert_eq!(put_words("...", &mut String::new()), 0);
    }
}
