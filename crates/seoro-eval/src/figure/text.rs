//! Text and numbers as markup holds them.

/// Text between tags or in quotes; what XML cannot hold becomes U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(letter),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

/// A number with at most two decimals, and none that say nothing.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// About how wide a text is, for a font of size 1: scripts whose letters fill a square are twice as wide as Latin.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|letter| if letter < '\u{1100}' { 0.56 } else { 1.0 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [1.0, -0.001, 0.125, 12.5, 100.0, -3.999].map(short),
            ["1", "0", "0.12", "12.5", "100", "-4"]
        );
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("a<b>&\"c'\u{1}\r\n가"), "a&lt;b&gt;&amp;&quot;c&#39;\u{fffd}\u{fffd}\n가");
    }
}
