//! Names as keys: lower case, no trailing dot.

use hickory_proto::rr::Name;

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a name the DNS can carry.
    #[error("\"{0}\" is not a domain name; write it like www.example.com")]
    Name(String),
    /// A value that fits in no record.
    #[error("the {0} is too long for a DNS record; shorten it")]
    Long(&'static str),
    /// A CAA tag with other characters than letters and digits, or none.
    #[error("\"{0}\" is not a CAA tag; use letters and digits, such as issue, issuewild or iodef")]
    Tag(String),
}

/// A name that a caller wrote, as a key.
pub(crate) fn host(text: &str) -> Result<String, NameError> {
    Ok(key(&parse(text)?))
}

/// A name that a caller wrote.
pub(crate) fn parse(text: &str) -> Result<Name, NameError> {
    let wrong = || NameError::Name(text.chars().take(300).collect());
    if text.is_empty() {
        return Err(wrong());
    }
    let mut name = Name::from_ascii(text).map_err(|_| wrong())?;
    name.set_fqdn(true);
    Ok(name)
}

/// The key of a name that came in a packet. Bytes beyond ASCII stay distinct.
pub(crate) fn key(name: &Name) -> String {
    let mut key = String::with_capacity(name.len());
    for label in name.iter() {
        if !key.is_empty() {
            key.push('.');
        }
        key.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
    }
    key
}
