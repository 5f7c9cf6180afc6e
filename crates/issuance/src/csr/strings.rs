//! The string types that names come in.

use der::asn1::Any;
use der::{Tag, Tagged};
use domain::csr::CsrError;

/// A DirectoryString, IA5String or the like as text. T61 is read as Latin-1, which is what its users meant. The parser's
/// own types are not asked: requests bring `*` and `@` in PrintableString, accents in T61 and surrogates in BMPString,
/// which these refuse. UniversalString came through the normaliser and is UTF8String here.
///
/// # Errors
/// -10 for other types, octets that are not of the type, and characters that no name should have: controls, NUL and
/// those that turn the direction of writing.
pub fn text(value: &Any) -> Result<String, CsrError> {
    let octets = value.value();
    let text = match value.tag() {
        Tag::Utf8String
        | Tag::NumericString
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::VisibleString => String::from_utf8(octets.to_vec()).ok(),
        Tag::TeletexString => Some(octets.iter().copied().map(char::from).collect()),
        Tag::BmpString => utf16(octets),
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

fn utf16(octets: &[u8]) -> Option<String> {
    let (units, rest) = octets.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().copied().map(u16::from_be_bytes));
    if rest.is_empty() { text.collect::<Result<_, _>>().ok() } else { None }
}
