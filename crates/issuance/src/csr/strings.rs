//! The string types that names come in.

use der::asn1::Any;
use der::{Tag, Tagged};
use domain::csr::CsrError;
use domain::subject::is_harmless;

/// A DirectoryString, IA5String or the like as text. T61 is read as Latin-1, which is what its users meant. The parser's
/// own types are not asked: requests bring `*` and `@` in PrintableString, accents in T61 and surrogates in BMPString,
/// which these refuse. UniversalString came through the normaliser and is UTF8String here.
///
/// # Errors
/// -10 for other types, octets that are not of the type, and characters that no name should have ([`is_harmless`]).
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
        Some(text) if text.chars().all(is_harmless) => Ok(text),
        _ => Err(CsrError::Decode),
    }
}

fn utf16(octets: &[u8]) -> Option<String> {
    let (units, rest) = octets.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().copied().map(u16::from_be_bytes));
    if rest.is_empty() { text.collect::<Result<_, _>>().ok() } else { None }
}
