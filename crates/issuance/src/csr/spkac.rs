//! SPKAC: a signed public key and challenge, as Netscape's `<keygen>` made it and `openssl spkac` still does. It says
//! nothing of its subject: a key, a challenge and the proof that whoever sent it has the key. Nobody has handed out a
//! challenge here, so that any will do, and none.
//!
//! Unlike requests it is read as strict DER, without trailing octets: programs write it, and none is known that does not.

use der::asn1::{BitStringRef, Ia5StringRef};
use der::{Decode, Sequence};
use domain::csr::{Csr, CsrError, CsrSubject};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use super::{Decoded, MAX_OCTETS, Wishes, digests, judge_key, normalise, text};
use crate::weak_keys::WeakKeys;

const PREFIX: &str = "SPKAC=";

/// SignedPublicKeyAndChallenge.
#[derive(Sequence)]
struct Signed<'a> {
    content: PublicKeyAndChallenge<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
struct PublicKeyAndChallenge<'a> {
    key: SubjectPublicKeyInfoRef<'a>,
    challenge: Ia5StringRef<'a>,
}

/// Reads one from a parameter's text: bare Base64, or lines of which one begins with `SPKAC=`.
///
/// Whoever is going to certify its key asks [`WeakKeys::check_factors`] as well, which takes long.
///
/// # Errors
/// [`CsrError`].
pub fn read(text: &str, weak: &WeakKeys) -> Result<Csr, CsrError> {
    let proven = |octets: &[u8]| decode_der(octets, weak).is_ok_and(|d| d.signature.is_ok());
    read_der(&text::to_octets(body(text).as_deref().unwrap_or(text), proven)?, weak)
}

/// Reads one from its octets.
///
/// # Errors
/// [`CsrError`].
pub fn read_der(bytes: &[u8], weak: &WeakKeys) -> Result<Csr, CsrError> {
    decode_der(bytes, weak)?.into_csr()
}

/// True when the octets have the form of one, whatever its signature.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_OCTETS && Signed::from_der(bytes).is_ok()
}

/// As far as possible.
///
/// # Errors
/// -10 only; other errors stand in the result.
pub(super) fn decode_der(bytes: &[u8], weak: &WeakKeys) -> Result<Decoded, CsrError> {
    let whole = Signed::from_der(bytes).ok().filter(|_| bytes.len() <= MAX_OCTETS);
    let whole = whole.ok_or(CsrError::Decode)?;
    let signed = normalise::first_inside(bytes).map_err(|_| CsrError::Decode)?;
    let judged = judge_key(&whole.content.key, &whole.algorithm, signed, whole.signature, weak)?;
    Ok(Decoded {
        der: bytes.to_vec(),
        digests: digests(bytes),
        subject: CsrSubject::default(),
        wishes: Wishes::default(),
        key_facts: judged.facts,
        key: judged.key,
        signature: judged.signature,
    })
}

/// What follows `SPKAC=`, without the lines for a subject (`CN=…`) that files have behind or before it; None without it.
pub(super) fn body(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.split(['\n', '\r']).map(str::trim).skip_while(|l| !l.starts_with(PREFIX));
    let first = lines.next()?.strip_prefix(PREFIX)?;
    let more = lines.take_while(|line| !is_attribute(line));
    Some(std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n"))
}

/// True for `name=value`: in Base64 nothing but further `=` follows a `=`.
fn is_attribute(line: &str) -> bool {
    line.split_once('=').is_some_and(|(_, value)| !value.trim_matches('=').is_empty())
}
