//! The little of ASN.1 that this crate writes and walks by hand: a tag-length-value reader that never panics, and
//! writers that put lengths before what they are given.

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// IA5String.
pub const IA5_STRING: u8 = 0x16;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// The bytes are not the structure that was sought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed ASN.1")]
pub struct Malformed;

/// One element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tlv<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents.
    pub value: &'a [u8],
    /// Identifier, length and contents.
    pub raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader over the contents.
    #[must_use]
    pub fn inside(&self) -> Reader<'a> {
        Reader::new(self.value)
    }

    /// The contents of a BIT STRING with no unused bits.
    ///
    /// # Errors
    /// [`Malformed`] for another tag or unused bits.
    pub fn bits(&self) -> Result<&'a [u8], Malformed> {
        match (self.tag, self.value.split_first()) {
            (BIT_STRING, Some((0, bits))) => Ok(bits),
            _ => Err(Malformed),
        }
    }
}

/// Reads elements with definite lengths, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element's tag, if there is one.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is.
    ///
    /// # Errors
    /// [`Malformed`] at the end, for high tag numbers, indefinite lengths and lengths beyond the end.
    pub fn any(&mut self) -> Result<Tlv<'a>, Malformed> {
        let tag = self.peek().ok_or(Malformed)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, head) = read_length(&self.rest[1..])?.ok_or(Malformed)?;
        let start = 1 + head;
        let end = start.checked_add(length).ok_or(Malformed)?;
        let raw = self.rest.get(..end).ok_or(Malformed)?;
        self.rest = &self.rest[end..];
        Ok(Tlv { tag, value: &raw[start..], raw })
    }

    /// The next element, which must have this tag.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, Malformed> {
        if self.peek() != Some(tag) {
            return Err(Malformed);
        }
        self.any()
    }

    /// The next element if it has this tag.
    ///
    /// # Errors
    /// [`Malformed`] when it has the tag and is broken.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Malformed> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Reads length octets: the length and how many octets told it; None for the indefinite form.
///
/// # Errors
/// [`Malformed`] when they are cut off or larger than this crate handles.
pub fn read_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
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

/// One whole element and nothing behind it.
///
/// # Errors
/// [`Malformed`].
pub fn single(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let tlv = reader.expect(tag)?;
    reader.end()?;
    Ok(tlv)
}

/// Appends identifier and length octets.
pub fn put_head(out: &mut Vec<u8>, tag: u8, length: usize) {
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

/// An element around contents given in parts.
#[must_use]
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    put_head(&mut out, tag, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// SEQUENCE of parts.
#[must_use]
pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

/// A non-negative INTEGER from big-endian octets.
#[must_use]
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    match &bytes[skip..] {
        [] => vec![INTEGER, 1, 0],
        all @ [first, ..] if *first >= 0x80 => tlv(INTEGER, &[&[0], all]),
        all => tlv(INTEGER, &[all]),
    }
}

/// BIT STRING of whole octets.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes])
}

/// OBJECT IDENTIFIER from its content octets.
#[must_use]
pub fn oid(content: &[u8]) -> Vec<u8> {
    tlv(OID, &[content])
}

/// UTCTime through 2049, GeneralizedTime from then on (RFC 5280 4.1.2.5), whole seconds.
#[must_use]
pub fn time(at: domain::time::Time) -> Vec<u8> {
    let text = at.format("%Y%m%d%H%M%SZ");
    match text.as_str() {
        year if ("1950".."2050").contains(&year.get(..4).unwrap_or_default()) => {
            tlv(UTC_TIME, &[&text.as_bytes()[2..]])
        }
        _ => tlv(GENERALIZED_TIME, &[text.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_both_ways() {
        for size in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; size];
            let whole = tlv(OCTET_STRING, &[&content]);
            assert_eq!(single(&whole, OCTET_STRING).unwrap().value, content);
        }
        assert!(Reader::new(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).any().is_err());
        assert!(Reader::new(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]).any().is_err());
        assert!(Reader::new(&[0x30]).any().is_err());
    }

    #[test]
    fn times_change_their_form_in_2050() {
        let at = |text| time(domain::time::Time::parse(text).unwrap());
        assert_eq!(at("2049-12-31T23:59:59Z"), b"\x17\x0d491231235959Z");
        assert_eq!(at("2050-01-01T00:00:00Z"), b"\x18\x0f20500101000000Z");
    }
}
