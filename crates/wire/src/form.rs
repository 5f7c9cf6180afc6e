//! From bytes to named values: x-www-form-urlencoded and multipart/form-data.
//!
//! Nothing here fails: what cannot be read is marked, and judged once it is known whose value it is.

use zeroize::Zeroizing;

/// More pairs than this are not read.
pub const MAX_PAIRS: usize = 500;

/// A name and its value, decoded.
pub struct Pair {
    /// The name as sent.
    pub name: Vec<u8>,
    /// The value; any of them may be a password.
    pub value: Zeroizing<Vec<u8>>,
    /// A percent sign of the value was not followed by two hexadecimal digits; it stands for itself then.
    pub broken: bool,
}

/// The pairs of a URL-encoded text, [`MAX_PAIRS`] + 1 at most. `name=` is left out: empty is absent (D3). A piece without
/// `=` is a name with an empty value; it is mostly what follows a `&` that somebody forgot to encode.
#[must_use]
pub fn url_encoded(bytes: &[u8]) -> Vec<Pair> {
    bytes.split(|b| *b == b'&').filter_map(url_pair).take(MAX_PAIRS + 1).collect()
}

/// What a body holds.
#[derive(Default)]
pub struct Body {
    /// Its pairs, as far as it could be read.
    pub pairs: Vec<Pair>,
    /// Something of it could not be read: what it said is not known, and nothing of it may be acted upon.
    pub broken: bool,
}

/// The pairs of a body, by its content type.
#[must_use]
pub fn body(content_type: Option<&str>, body: &[u8]) -> Body {
    let parameters = content_type.and_then(multipart_parameters);
    match parameters.map(boundary) {
        None => Body { pairs: url_encoded(body), broken: false },
        Some(_) if body.is_empty() => Body::default(),
        Some(Some(boundary)) => multipart(boundary.as_bytes(), body),
        Some(None) => Body { pairs: Vec::new(), broken: true },
    }
}

fn url_pair(piece: &[u8]) -> Option<Pair> {
    let at = piece.iter().position(|b| *b == b'=').unwrap_or(piece.len());
    let (name, value) = (&piece[..at], piece.get(at + 1..).unwrap_or_default());
    if value.is_empty() && (at < piece.len() || name.is_empty()) {
        return None;
    }
    let (value, broken) = percent_decode(value);
    Some(Pair { name: percent_decode(name).0.to_vec(), value, broken })
}

fn percent_decode(bytes: &[u8]) -> (Zeroizing<Vec<u8>>, bool) {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut broken = false;
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                out.push(hex(*high).unwrap_or(0) << 4 | hex(*low).unwrap_or(0));
                rest = after;
            }
            (b'%', _) => {
                broken = true;
                out.push(b'%');
            }
            _ => out.push(*first),
        }
    }
    (out, broken)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// What stands behind the name of a multipart/form-data content type; None for other types.
fn multipart_parameters(content_type: &str) -> Option<&str> {
    let end = content_type.find(';').unwrap_or(content_type.len());
    let (kind, parameters) = content_type.split_at(end);
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then_some(parameters)
}

/// The boundary among a content type's parameters (RFC 2046 5.1.1: 1 to 70 characters).
fn boundary(parameters: &str) -> Option<String> {
    let boundary = one_parameter(&header_parameters(parameters)?, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The parts of a multipart/form-data body (RFC 7578). The well-kept crates for it read asynchronous streams and spool
/// files; here the whole body is at hand, parts are small and files are not expected, so that a strict reader of the one
/// shape that clients produce is smaller than its adapter would be. Lines may end in LF alone.
fn multipart(boundary: &[u8], body: &[u8]) -> Body {
    let delimiter = [b"--", boundary].concat();
    let mut read = Body::default();
    let mut part: Option<usize> = None;
    for line in lines(body) {
        let text = trim_end(&body[line.start..line.end]);
        let Some(after) = text.strip_prefix(delimiter.as_slice()) else { continue };
        if let Some(start) = part {
            match self::part(without_line_end(&body[start..line.start])) {
                Some(pair) if pair.value.is_empty() => {}
                Some(pair) => read.pairs.push(pair),
                None => read.broken = true,
            }
        }
        match after {
            b"--" => return read,
            b"" if read.pairs.len() <= MAX_PAIRS => part = Some(line.end),
            b"" => return read,
            _ => break,
        }
    }
    // No closing delimiter, or a line that may be one and may be none.
    Body { broken: true, ..read }
}

/// Where the lines of a text begin and end, their line ends included.
fn lines(text: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    text.split_inclusive(|b| *b == b'\n').scan(0, |start, line| {
        let range = *start..*start + line.len();
        *start = range.end;
        Some(range)
    })
}

fn trim_end(line: &[u8]) -> &[u8] {
    without_line_end(line).trim_ascii_end()
}

fn without_line_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// A part's name and value; None when it is not of the shape that form data has.
fn part(part: &[u8]) -> Option<Pair> {
    let mut fields: Vec<String> = Vec::new();
    let mut value = None;
    for line in lines(part) {
        let text = std::str::from_utf8(without_line_end(&part[line.clone()])).ok()?;
        if text.is_empty() {
            value = Some(&part[line.end..]);
            break;
        }
        // A line that begins with a blank goes on with the one before (RFC 822 3.1.1).
        match text.starts_with([' ', '\t']) {
            true => fields.last_mut()?.push_str(text),
            false => fields.push(text.to_owned()),
        }
    }
    let value = Zeroizing::new(value?.to_vec());
    Some(Pair { name: part_name(&fields)?.into_bytes(), value, broken: false })
}

/// The name that a part's header fields give it. What would make its value another thing than its octets is refused.
fn part_name(fields: &[String]) -> Option<String> {
    let mut name = None;
    for field in fields {
        let (field, value) = field.split_once(':')?;
        let field = field.trim().to_ascii_lowercase();
        if field == "content-disposition" {
            let (kind, parameters) = value.split_at(value.find(';')?);
            let parameters = header_parameters(parameters)?;
            let extended = parameters.iter().any(|(key, _)| key.eq_ignore_ascii_case("name*"));
            let fits = kind.trim().eq_ignore_ascii_case("form-data") && !extended;
            let given = one_parameter(&parameters, "name").filter(|_| fits)?;
            if name.replace(given).is_some() {
                return None;
            }
        } else if field == "content-transfer-encoding" {
            let plain = ["7bit", "8bit", "binary"];
            plain.iter().find(|word| value.trim().eq_ignore_ascii_case(word))?;
        }
    }
    name
}

/// The parameters behind a header's first word: `;name=value;name="value"`; None for what is not of this shape.
fn header_parameters(text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix(';')?.trim_start();
        if rest.is_empty() || rest.starts_with(';') {
            continue;
        }
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let value = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted_text(quoted)?;
                rest = after.trim_start();
                value
            }
            None => {
                let (value, after) = after.split_at(after.find(';').unwrap_or(after.len()));
                rest = after;
                value.trim_end().to_owned()
            }
        };
        parameters.push((key.trim().to_owned(), value));
    }
    Some(parameters)
}

/// A quoted text up to its closing quotation mark, and what follows. A backslash quotes a quotation mark or a backslash;
/// before anything else it stands for itself, as in the names of files that some programs send.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if text[at + 1..].starts_with(['"', '\\']) => value.push(letters.next()?.1),
            _ => value.push(letter),
        }
    }
    None
}

/// The value of a parameter that is there once.
fn one_parameter(parameters: &[(String, String)], name: &str) -> Option<String> {
    let mut found = parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let (_, value) = found.next()?;
    found.next().is_none().then(|| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pairs: &[Pair]) -> Vec<(String, String, bool)> {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        pairs.iter().map(|p| (text(&p.name), text(&p.value), p.broken)).collect()
    }

    #[test]
    fn url_encoding_is_read() {
        let pairs = url_encoded(b"a=1+2%2B&b=&c&=x&&d=%zz%4&e=A=B==");
        assert_eq!(
            shown(&pairs),
            [
                ("a".into(), "1 2+".into(), false),
                ("c".into(), String::new(), false),
                (String::new(), "x".into(), false),
                ("d".into(), "%zz%4".into(), true),
                ("e".into(), "A=B==".into(), false),
            ]
        );
    }

    #[test]
    fn multipart_is_read() {
        let text = "preamble\r\n--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1+%2\r\n\
                    --xYz\r\ncontent-type: text/plain\r\nContent-Disposition: form-data; name=b\r\n\r\n\
                    line\r\nline\r\n--xYz\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n\r\n--xYz--\r\n";
        for text in [text.to_owned(), text.replace("--xYz\r\n", "--xYz \t\r\n")] {
            let kind = "Multipart/Form-Data; charset=utf-8; boundary=\"xYz\"";
            let read = body(Some(kind), text.as_bytes());
            assert!(!read.broken);
            assert_eq!(
                shown(&read.pairs),
                [("a".into(), "1+%2".into(), false), ("b".into(), "line\r\nline".into(), false)]
            );
        }
    }

    /// A body of parts with these heads, each with the value Y, between delimiters `--X;X`.
    fn parts(heads: &[&str]) -> String {
        let part = |head: &&str| format!("--X;X\r\n{head}\r\n\r\nY\r\n");
        heads.iter().map(part).collect::<String>() + "--X;X--"
    }

    fn read(text: &str) -> Body {
        body(Some("multipart/form-data; boundary=\"X;X\""), text.as_bytes())
    }

    #[test]
    fn parts_are_read_however_their_heads_are_written() {
        for head in [
            "Content-Disposition: form-data; name=\"test\"",
            "content-disposition:form-data;name=test",
            "Content-Disposition: form-data;\r\n\tname=\"test\"",
            "Content-Disposition: form-data; filename=\"a;b \\\"c\\\".txt\"; name=\"test\"",
            "Content-Disposition: form-data; filename=\"C:\\a\"; filename*=UTF-8''a; name = test ;",
            "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"te\\st\\\"\"",
            "Content-Transfer-Encoding: 8bit\r\nContent-Disposition: form-data; name=\"test\"",
        ] {
            for text in [parts(&[head]), parts(&[head]).replace("\r\n", "\n")] {
                let body = read(&text);
                let name = if head.contains("te\\st") { "te\\st\"" } else { "test" };
                assert!(!body.broken, "{text}");
                assert_eq!(shown(&body.pairs), [(name.into(), "Y".into(), false)], "{text}");
            }
        }
    }

    #[test]
    fn a_part_that_cannot_be_read_breaks_the_body() {
        let right = "Content-Disposition: form-data; name=\"a\"";
        for head in [
            "",
            "X",
            " Content-Disposition: form-data; name=\"test\"",
            "Content-Type: text/plain",
            "Content-Disposition: attachment; name=\"test\"",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; filename=\"test\"",
            "Content-Disposition: form-data; name*=UTF-8''test",
            "Content-Disposition: form-data; name=\"a\"; name*=UTF-8''test",
            "Content-Disposition: form-data; name=\"a\"; name=\"test\"",
            "Content-Disposition: form-data; name=\"test",
            "Content-Disposition: form-data; name=\"test\" x",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
            "Content-Disposition: form-data; name=\"test\"\r\nContent-Transfer-Encoding: base64",
        ] {
            assert!(read(&parts(&[right, head])).broken, "{head}");
            assert!(read(&parts(&[head, right])).broken, "{head}");
        }
        let latin = b"--X;X\r\nContent-Disposition: form-data; name=\"\xe9\"\r\n\r\nY\r\n--X;X--";
        assert!(body(Some("multipart/form-data; boundary=\"X;X\""), latin).broken);
    }

    #[test]
    fn a_multipart_without_shape_is_broken() {
        let whole = parts(&["Content-Disposition: form-data; name=\"test\""]);
        for text in [
            "a=b",
            "--X;X",
            "--X;X\r\n",
            "\r\n--X;X\r\n\r\n--X;X",
            whole.strip_suffix("--").unwrap(),
            whole.strip_suffix("--X;X--").unwrap(),
            whole.strip_suffix("\r\n--X;X--").unwrap(),
            &whole.replace("X--", "Xx--"),
        ] {
            assert!(read(text).broken, "{text}");
        }
        for text in ["", "--X;X--", "\r\n--X;X--\r\nepilogue", "preamble\n--X;X--"] {
            assert!(!read(text).broken && read(text).pairs.is_empty(), "{text}");
        }
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=\"",
            "multipart/form-data;boundary=",
        ] {
            assert!(body(Some(kind), whole.as_bytes()).broken, "{kind}");
            assert!(!body(Some(kind), b"").broken, "{kind}");
        }
    }

    #[test]
    fn pairs_are_limited() {
        let many = "a=1&".repeat(2_000);
        assert_eq!(url_encoded(many.as_bytes()).len(), MAX_PAIRS + 1);
    }
}
