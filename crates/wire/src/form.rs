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

/// The pairs of a body, by its content type.
#[must_use]
pub fn body(content_type: Option<&str>, body: &[u8]) -> Vec<Pair> {
    match content_type.and_then(boundary) {
        Some(boundary) => multipart(boundary.as_bytes(), body),
        None => url_encoded(body),
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

/// The boundary of a multipart/form-data content type (RFC 2046 5.1.1: 1 to 70 characters).
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = header_parameter(parameters, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The parts of a multipart/form-data body (RFC 7578). The well-kept crates for it read asynchronous streams and spool
/// files; here the whole body is at hand, parts are small and files are not expected, so that a strict reader of the one
/// shape that clients produce is smaller than its adapter would be. A body that loses its shape ends at that place.
fn multipart(boundary: &[u8], body: &[u8]) -> Vec<Pair> {
    let delimiter = [b"\r\n--", boundary].concat();
    // The first delimiter may stand at the very beginning, where no line end precedes it.
    let mut rest = match body.strip_prefix(&delimiter[2..]) {
        Some(rest) => rest,
        None => match find(body, &delimiter) {
            Some(at) => &body[at + delimiter.len()..],
            None => return Vec::new(),
        },
    };
    let mut pairs = Vec::new();
    while pairs.len() <= MAX_PAIRS && !rest.starts_with(b"--") {
        let Some(at) = find(rest, &delimiter) else { break };
        pairs.extend(part(&rest[..at]));
        rest = &rest[at + delimiter.len()..];
    }
    pairs
}

fn part(part: &[u8]) -> Option<Pair> {
    let start = find(part, b"\r\n")?;
    let part = &part[start..];
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let value = &part[end + 4..];
    let name = head.split("\r\n").find_map(|line| {
        let (field, rest) = line.split_once(':')?;
        let (kind, parameters) = rest.split_once(';')?;
        let fits = field.trim().eq_ignore_ascii_case("content-disposition")
            && kind.trim().eq_ignore_ascii_case("form-data");
        if fits { header_parameter(parameters, "name") } else { None }
    })?;
    if value.is_empty() {
        return None;
    }
    let value = Zeroizing::new(value.to_vec());
    Some(Pair { name: name.into_bytes(), value, broken: false })
}

/// `name=value` or `name="value"` among parameters between semicolons. Quoted semicolons are not expected in the
/// names of this interface.
fn header_parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then(|| bare.to_owned())
    })
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
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
        let pairs =
            body(Some("Multipart/Form-Data; charset=utf-8; boundary=\"xYz\""), text.as_bytes());
        assert_eq!(
            shown(&pairs),
            [("a".into(), "1+%2".into(), false), ("b".into(), "line\r\nline".into(), false)]
        );
    }

    #[test]
    fn a_multipart_without_shape_is_empty() {
        for text in ["", "--x", "--x\r\n", "--x--", "\r\n--x\r\n\r\n--x", "a=b"] {
            assert!(body(Some("multipart/form-data; boundary=x"), text.as_bytes()).is_empty());
        }
    }

    #[test]
    fn pairs_are_limited() {
        let many = "a=1&".repeat(2_000);
        assert_eq!(url_encoded(many.as_bytes()).len(), MAX_PAIRS + 1);
    }
}
