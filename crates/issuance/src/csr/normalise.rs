//! From BER to DER as far as requests need it, so that the parser, which takes DER alone, can read them: trailing octets
//! cut off, lengths written the short way, BOOLEAN and INTEGER in their one form, UniversalString (which the parser does
//! not know) as UTF8String. Signatures are never verified over what comes out here.
//!
//! Strings in constructed form (a UTF8String or OCTET STRING in segments) are refused. BER allows them, but no tool is
//! known that writes them into requests, and putting segments together is more parser than this should be.

/// The octets are not BER, or BER that no request should need.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed ASN.1")]
pub struct Malformed;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const UTF8_STRING: u8 = 0x0c;
const UNIVERSAL_STRING: u8 = 0x1c;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// Deeper nesting than any request has.
const MAX_DEPTH: u8 = 24;

/// The outer element of these octets, without what trails it (a line feed, zeros).
///
/// # Errors
/// [`Malformed`] if the outer SEQUENCE is not whole.
pub fn outer(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if bytes.first() != Some(&SEQUENCE) {
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

/// The element with every length in its shortest definite form, and with primitive elements as DER has them.
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
        primitive(tag, contents, out)?;
        return Ok(whole);
    }
    let constructed_string = tag & 0xc0 == 0 && tag != SEQUENCE && tag != SET;
    if constructed_string {
        return Err(Malformed);
    }
    let start = out.len();
    let mut at = 0;
    while at < contents.len() {
        at += rewrite(&contents[at..], out, depth + 1)?;
    }
    // The head goes behind the contents, whose length is known only now, and is turned to the front.
    let end = out.len();
    put_head(out, tag, end - start);
    let head = out.len() - end;
    out[start..].rotate_right(head);
    Ok(whole)
}

fn primitive(tag: u8, contents: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let text;
    let (tag, contents) = match (tag, contents) {
        (BOOLEAN, [1..=0xff]) => (tag, &[0xff][..]),
        (INTEGER, [0, .., _]) => {
            let zeros = contents.iter().take_while(|b| **b == 0).count();
            let sign = contents.get(zeros).is_none_or(|b| *b >= 0x80);
            (tag, &contents[zeros - usize::from(sign)..])
        }
        (UNIVERSAL_STRING, _) => {
            text = universal_string(contents).ok_or(Malformed)?;
            (UTF8_STRING, text.as_bytes())
        }
        _ => (tag, contents),
    };
    put_head(out, tag, contents.len());
    out.extend_from_slice(contents);
    Ok(())
}

fn universal_string(contents: &[u8]) -> Option<String> {
    let (units, rest) = contents.as_chunks::<4>();
    let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect();
    if rest.is_empty() { text } else { None }
}

/// Reads length octets: the length and how many octets told it; None for the indefinite form.
fn read_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    match bytes.first().copied().ok_or(Malformed)? {
        0x80 => Ok(None),
        short if short < 0x80 => Ok(Some((usize::from(short), 1))),
        long => {
            let count = usize::from(long & 0x7f);
            let octets = bytes.get(1..=count).ok_or(Malformed)?;
            let significant = octets.iter().skip_while(|b| **b == 0).count();
            if significant > 4 {
                return Err(Malformed);
            }
            let length = octets.iter().fold(0_usize, |acc, b| (acc << 8) | usize::from(*b));
            Ok(Some((length, 1 + count)))
        }
    }
}

/// Appends identifier and length octets.
fn put_head(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    if length < 0x80 {
        out.push(length.to_le_bytes()[0]);
        return;
    }
    let bytes = length.to_be_bytes();
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    let octets = &bytes[skip..];
    out.push(0x80 | octets.len().to_le_bytes()[0]);
    out.extend_from_slice(octets);
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
    fn lengths_of_every_size() {
        for size in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let mut whole = Vec::new();
            put_head(&mut whole, 4, size);
            whole.resize(whole.len() + size, 7);
            assert_eq!(to_der(&whole).unwrap(), whole);
        }
        assert!(to_der(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(to_der(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]).is_err());
        assert!(to_der(&[0x30]).is_err());
    }

    #[test]
    fn primitive_elements_become_der() {
        let table: [(&[u8], &[u8]); 9] = [
            (&[1, 1, 1], &[1, 1, 0xff]),
            (&[1, 1, 0], &[1, 1, 0]),
            (&[2, 3, 0, 0, 5], &[2, 1, 5]),
            (&[2, 3, 0, 0, 0x80], &[2, 2, 0, 0x80]),
            (&[2, 2, 0, 0], &[2, 1, 0]),
            (&[2, 1, 0], &[2, 1, 0]),
            (&[2, 2, 0xff, 0x80], &[2, 2, 0xff, 0x80]),
            (&[0x1c, 4, 0, 0, 0, 0xfc], &[0x0c, 2, 0xc3, 0xbc]),
            (&[0x1c, 0], &[0x0c, 0]),
        ];
        for (ber, der) in table {
            assert_eq!(to_der(ber).unwrap(), der);
        }
        for bad in [&[0x1c, 3, 0, 0, 0][..], &[0x1c, 4, 0, 0x11, 0, 0], &[0x2c, 3, 0x0c, 1, b'a']] {
            assert_eq!(to_der(bad), Err(Malformed));
        }
    }

    #[test]
    fn nesting_ends() {
        let deep = [0x30, 0x80].repeat(5_000);
        assert!(outer(&deep).is_err());
        assert!(to_der(&deep).is_err());
    }
}
