//! Links and codes in a mail.

/// The web addresses of both bodies, in order, each once.
pub(super) fn links(text: &str, html: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    in_text(text, &mut found);
    if let Some(html) = html {
        in_text(&html.replace("&amp;", "&").replace("&#38;", "&"), &mut found);
    }
    found
}

/// Lines that hold a code and nothing else, and are no part of something in PEM.
pub(super) fn codes(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut in_pem = false;
    for line in text.lines().map(str::trim) {
        in_pem = (in_pem || line.starts_with("-----BEGIN ")) && !line.starts_with("-----END ");
        if in_pem || !is_code(line) {
            continue;
        }
        if !found.iter().any(|code| code == line) {
            found.push(line.to_owned());
        }
    }
    found
}

fn in_text(text: &str, found: &mut Vec<String>) {
    for start in starts(text) {
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(ends_link).unwrap_or(rest.len());
        let link = rest.get(..end).unwrap_or_default();
        let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
        if link.len() > "https://".len() && !found.iter().any(|known| known == link) {
            found.push(link.to_owned());
        }
    }
}

fn starts(text: &str) -> impl Iterator<Item = usize> {
    let schemes = ["http://", "https://"];
    let is_start = move |at: &usize| {
        text.get(*at..).is_some_and(|rest| schemes.iter().any(|scheme| rest.starts_with(scheme)))
    };
    text.match_indices("http").map(|(at, _)| at).filter(is_start)
}

fn ends_link(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\')
}

fn is_code(line: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'-');
    (16..=64).contains(&line.len())
        && line.bytes().all(allowed)
        && line.bytes().filter(u8::is_ascii_alphanumeric).count() >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_once_and_without_punctuation() {
        let html = r#"<a href="https://a.example/x?y=1&amp;z=2">https://b.example/</a>"#;
        let text = "See https://b.example/, or http://c.example/q. No: https:// http";
        let expected = ["https://b.example/", "http://c.example/q", "https://a.example/x?y=1&z=2"];
        assert_eq!(links(text, Some(html)), expected);
    }

    #[test]
    fn a_code_stands_alone_on_its_line() {
        let text = "Code:\r\n  aB3*-678901234567890  \r\n--------------------\r\nshort\r\n\
                    inside aB3*-678901234567890 a line\r\naB3*-678901234567890\r\n";
        assert_eq!(codes(text), ["aB3*-678901234567890"]);
    }

    #[test]
    fn nothing_in_pem_is_a_code() {
        let pem = "-----BEGIN CERTIFICATE-----\r\nMIICjTCCAjKgAwIBAgIQabcdefgh\r\n\
                   CQYDVQQGEwJHQjEZ\r\n-----END CERTIFICATE-----\r\naB3*-678901234567890\r\n";
        assert_eq!(codes(pem), ["aB3*-678901234567890"]);
    }
}
