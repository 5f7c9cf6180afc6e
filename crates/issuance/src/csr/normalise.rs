//! From BER to DER as far as requests need it: trailing octets cut off, lengths written the short way.

use crate::asn1::{Malformed, put_head, read_length};

/// Deeper nesting than any request has.
const MAX_DEPTH: u8 = 24;

/// The outer element of these octets, without what trails it (a line feed, zeros).
///
/// # Errors
/// [`Malformed`] if the outer SEQUENCE is not whole.
pub fn outer(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if bytes.first() != Some(&0x30) {
        return Err(Malformed);
    }
    let extent = extent(bytes, 0)?;
    bytes.get(..extent.whole).ok_or(Malformed)
}

/// The first element inside the outer one, exactly as received: what a request's signature covers.
///
/// # Errors
/// [`Malformed`].
pub fn first_inside(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let contents = bytes.get(extent(bytes, 0)?.head..).ok_or(Malformed)?;
    contents.get(..extent(contents, 1)?.whole).ok_or(Malformed)
}

/// The element with every length in its shortest definite form. Contents of primitive elements stay as they are.
///
/// # Errors
/// [`Malformed`] for nesting too deep, high tag numbers, and constructed strings.
pub fn to_der(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(bytes.len());
    let used = rewrite(bytes, &mut out, 0)?;
    if used == bytes.len() { Ok(out) } else { Err(Malformed) }
}

struct Extent {
    head: usize,
    body: usize,
    whole: usize,
}

/// Where an element's contents begin and where it ends. An indefinite element ends with its end-of-contents octets.
fn extent(bytes: &[u8], depth: u8) -> Result<Extent, Malformed> {
    let tag = *bytes.first().ok_or(Malformed)?;
    if depth > MAX_DEPTH || tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    match read_length(&bytes[1..])? {
        Some((length, octets)) => {
            let head = 1 + octets;
            let whole = head.checked_add(length).filter(|n| *n <= bytes.len()).ok_or(Malformed)?;
            Ok(Extent { head, body: length, whole })
        }
        None if tag & 0x20 == 0 => Err(Malformed),
        None => {
            let mut at = 2;
            loop {
                let rest = bytes.get(at..).ok_or(Malformed)?;
                if rest.starts_with(&[0, 0]) {
                    return Ok(Extent { head: 2, body: at - 2, whole: at + 2 });
                }
                at += extent(rest, depth + 1)?.whole;
            }
        }
    }
}

fn rewrite(bytes: &[u8], out: &mut Vec<u8>, depth: u8) -> Result<usize, Malformed> {
    let Extent { head, body, whole } = extent(bytes, depth)?;
    let tag = bytes[0];
    let contents = &bytes[head..head + body];
    if tag & 0x20 == 0 {
        put_head(out, tag, contents.len());
        out.extend_from_slice(contents);
        return Ok(whole);
    }
    let universal_string = tag & 0xc0 == 0 && tag != 0x30 && tag != 0x31;
    if universal_string {
        return Err(Malformed);
    }
    let mut inner = Vec::with_capacity(contents.len());
    let mut at = 0;
    while at < contents.len() {
        at += rewrite(&contents[at..], &mut inner, depth + 1)?;
    }
    put_head(out, tag, inner.len());
    out.extend_from_slice(&inner);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_short() {
        assert_eq!(to_der(&[0x30, 0x81, 3, 2, 1, 5]).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(to_der(&[0x30, 0x80, 2, 1, 5, 0, 0]).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(outer(&[0x30, 0x80, 2, 1, 5, 0, 0, 10, 10]).unwrap().len(), 7);
        assert_eq!(first_inside(&[0x30, 0x80, 2, 1, 5, 0, 0]).unwrap(), [2, 1, 5]);
    }

    #[test]
    fn nesting_ends() {
        let deep = [0x30, 0x80].repeat(5_000);
        assert!(outer(&deep).is_err());
        assert!(to_der(&deep).is_err());
    }
}
