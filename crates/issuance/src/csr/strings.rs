//! The string types that names come in.

use domain::csr::CsrError;

use crate::asn1::Tlv;

/// A DirectoryString, IA5String or the like as text. T61 is read as Latin-1, which is what its users meant.
///
/// # Errors
/// -10 for other types, octets that are not of the type, and characters that no name should have: controls, NUL and
/// those that turn the direction of writing.
pub fn text(value: Tlv<'_>) -> Result<String, CsrError> {
    let octets = value.value;
    let text = match value.tag {
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => String::from_utf8(octets.to_vec()).ok(),
        0x14 => Some(octets.iter().copied().map(char::from).collect()),
        0x1c => wide::<4>(octets).and_then(|units| {
            units.map(u32::from_be_bytes).map(char::from_u32).collect::<Option<String>>()
        }),
        0x1e => wide::<2>(octets).and_then(|units| {
            char::decode_utf16(units.map(u16::from_be_bytes)).collect::<Result<String, _>>().ok()
        }),
        _ => None,
    };
    match text {
        Some(text) if text.chars().all(harmless) => Ok(text),
        _ => Err(CsrError::Decode),
    }
}

/// False for control characters and for those that turn the direction of writing.
pub fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn wide<const N: usize>(octets: &[u8]) -> Option<impl Iterator<Item = [u8; N]>> {
    let (units, rest) = octets.as_chunks::<N>();
    rest.is_empty().then(|| units.iter().copied())
}
