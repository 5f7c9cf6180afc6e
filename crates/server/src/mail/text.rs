//! Small things about text: what may stand in a header, in a body, in a file name.

use domain::subject::is_harmless;

/// One line of at most `limit` characters: characters that part lines, hide or turn text
/// ([`is_harmless`]) become blanks, and runs of blanks become one.
pub(super) fn line(text: &str, limit: usize) -> String {
    let blank = |c: char| c.is_whitespace() || !is_harmless(c);
    let words = text.split(blank).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(limit) {
        Some((end, _)) => joined[..end].trim_end().to_owned(),
        None => joined,
    }
}

/// A body with plain line feeds, tabs, and nothing else that hides or turns text.
pub(super) fn body(text: &str) -> String {
    let plain = |b: u8| matches!(b, b'\n' | b'\t' | b' '..=b'~');
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || is_harmless(*c))
        .collect()
}

/// A file name that every mail program and every disk takes, ending in `.zip`.
pub(super) fn zip_name(name: &str) -> String {
    let stem = name.strip_suffix(".zip").unwrap_or(name);
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }
    };
    let stem: String = stem.chars().take(100).map(safe).collect();
    let stem = stem.trim_start_matches('.');
    format!("{}.zip", if stem.is_empty() { "certificate" } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_line() {
        assert_eq!(line("a\r\nBcc: b\u{2028}\u{202e}c \t d", 100), "a Bcc: b c d");
        assert_eq!(line("üüü üüü", 4), "üüü");
        assert_eq!(line("\0\n", 9), "");
    }

    #[test]
    fn a_body_keeps_lines_and_letters() {
        assert_eq!(body("a\r\nb\rc\0\u{8}\td\u{202e}"), "a\nb\nc\td");
    }

    #[test]
    fn file_names_are_tame() {
        assert_eq!(zip_name("www_example_com.zip"), "www_example_com.zip");
        assert_eq!(zip_name("../../ü\"\r\n.zip"), "_.._____.zip");
        assert_eq!(zip_name("*.example.com"), "_.example.com.zip");
        assert_eq!(zip_name(""), "certificate.zip");
    }
}
