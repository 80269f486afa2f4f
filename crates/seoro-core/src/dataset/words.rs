//! Texts, word pairs and word questions: counted as they stream by, and left where they are.

use super::DatasetError;
use super::lines::Lines;

/// Lines, and words between white space (of one tab-separated column, counted from 1, where `column` says which).
pub(super) fn count_text(lines: &mut Lines<'_>, column: Option<usize>) -> Result<(u64, u64), DatasetError> {
    let (mut count, mut tokens) = (0, 0);
    while let Some(line) = lines.next_bytes()? {
        let mut text = line;
        if let Some(column) = column {
            match line.split(|&byte| byte == b'\t').nth(column.saturating_sub(1)) {
                Some(field) => text = field,
                None => return Err(lines.malformed("as many columns as the manifest says")),
            }
        }
        tokens += text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() as u64;
        count += 1;
    }
    Ok((count, tokens))
}

/// Pairs of words with a similarity; lines that begin with `#` are comments.
pub(super) fn count_pairs(lines: &mut Lines<'_>) -> Result<u64, DatasetError> {
    let mut pairs = 0;
    while let Some(line) = lines.next_text()? {
        if line.starts_with('#') {
            continue;
        }
        let mut fields = line.split_ascii_whitespace();
        let score =
            fields.nth(2).and_then(|score| score.parse::<f64>().ok()).filter(|score| score.is_finite());
        if score.is_none() || fields.next().is_some() {
            return Err(lines.malformed("two words and a finite number"));
        }
        pairs += 1;
    }
    Ok(pairs)
}

/// Questions of four words, in sections headed `: name`: the number of questions and of sections.
pub(super) fn count_analogies(lines: &mut Lines<'_>) -> Result<(u64, u64), DatasetError> {
    let (mut questions, mut sections) = (0, 0);
    while let Some(line) = lines.next_text()? {
        if line.starts_with(':') {
            sections += 1;
        } else if line.split_ascii_whitespace().count() == 4 {
            questions += 1;
        } else {
            return Err(lines.malformed("four words, or ':' and the name of a section"));
        }
    }
    Ok((questions, sections))
}
