//! Certification requests, PKCS #10 and SPKAC: from a text of uncertain form to a [`Csr`] whose signature is right and whose key is
//! allowed.

pub mod normalise;
mod signature;
pub mod spkac;
mod strings;
mod subject;
mod text;
mod wishes;

pub(crate) use strings::text;
pub(crate) use wishes::address;

use der::asn1::BitStringRef;
use der::{Decode, Sequence};
use domain::csr::{Csr, CsrDigests, CsrError, CsrSubject, PublicKey, RequestSignature};
use md5::{Digest, Md5};
use x509_cert::attr::Attributes;
use x509_cert::name::Name;
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::spki::{self, KeyFacts};
use crate::weak_keys::WeakKeys;
pub use wishes::Wishes;

/// The longest request that is read, in octets of DER.
pub const MAX_OCTETS: usize = 32 * 1_024;

/// A request as far as it could be read, with everything that speaks against it: what !DecodeCSR shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The request as received, cut to its outer element.
    pub der: Vec<u8>,
    /// Digests of these bytes.
    pub digests: CsrDigests,
    /// The subject.
    pub subject: CsrSubject,
    /// What the requested extensions ask for.
    pub wishes: Wishes,
    /// Algorithm and size of the key, also of one that is refused.
    pub key_facts: KeyFacts,
    /// The key, if it is allowed.
    pub key: Result<PublicKey, CsrError>,
    /// How it is signed, if that verifies; the key's error where no usable key is there to verify with.
    pub signature: Result<RequestSignature, CsrError>,
}

impl Decoded {
    /// What is wrong with it, most basic first, each thing once. A missing common name is the caller's to judge.
    #[must_use]
    pub fn errors(&self) -> Vec<CsrError> {
        let mut errors: Vec<CsrError> =
            self.key.as_ref().err().copied().into_iter().chain(self.signature.err()).collect();
        errors.dedup();
        errors
    }

    /// The request, if nothing is wrong with it.
    ///
    /// # Errors
    /// The first of [`Decoded::errors`]; a bad signature counts before a weak key.
    pub fn into_csr(self) -> Result<Csr, CsrError> {
        let signature = match (&self.key, self.signature) {
            (Ok(_), signature) => signature?,
            (Err(CsrError::Compromised), Err(error)) => return Err(error),
            (Err(error), _) => return Err(*error),
        };
        Ok(Csr {
            der: self.der,
            digests: self.digests,
            subject: self.subject,
            san_dns: self.wishes.san_dns,
            san_ips: self.wishes.san_ips,
            key: self.key?,
            signature,
            microsoft_template: self.wishes.microsoft_template,
        })
    }
}

/// Reads a request from a parameter's text: PEM, bare Base64, with what the way through forms does to them.
///
/// Whoever is going to certify its key asks [`WeakKeys::check_factors`] as well, which takes long.
///
/// # Errors
/// [`CsrError`]; never a missing common name, which is the caller's to judge.
pub fn read(text: &str, weak: &WeakKeys) -> Result<Csr, CsrError> {
    decode(text, weak)?.into_csr()
}

/// Reads a request from its octets.
///
/// # Errors
/// [`CsrError`].
pub fn read_der(bytes: &[u8], weak: &WeakKeys) -> Result<Csr, CsrError> {
    decode_der(bytes, weak)?.into_csr()
}

/// Reads a request from text as far as possible.
///
/// # Errors
/// -9 and -10 only; other errors stand in the result.
pub fn decode(text: &str, weak: &WeakKeys) -> Result<Decoded, CsrError> {
    let proven = |octets: &[u8]| decode_der(octets, weak).is_ok_and(|d| d.signature.is_ok());
    decode_der(&text::to_octets(text, proven)?, weak)
}

/// Reads a request from octets as far as possible.
///
/// # Errors
/// -10 only; other errors stand in the result.
pub fn decode_der(bytes: &[u8], weak: &WeakKeys) -> Result<Decoded, CsrError> {
    let received = normalise::outer(bytes).map_err(|_| CsrError::Decode)?;
    if received.len() > MAX_OCTETS {
        return Err(CsrError::Decode);
    }
    let signed = normalise::first_inside(received).map_err(|_| CsrError::Decode)?;
    let der = normalise::to_der(received).map_err(|_| CsrError::Decode)?;
    let request = Request::from_der(&der).map_err(|_| CsrError::Decode)?;
    if request.info.version > 2 {
        return Err(CsrError::Decode);
    }
    let judged = judge_key(&request.info.key, &request.algorithm, signed, request.signature, weak)?;
    Ok(Decoded {
        digests: digests(received),
        subject: subject::read(&request.info.subject)?,
        wishes: wishes::read(request.info.attributes.as_ref())?,
        key_facts: judged.facts,
        key: judged.key,
        signature: judged.signature,
        der: received.to_vec(),
    })
}

/// A key and the signature that shows its possession.
struct Judged {
    facts: KeyFacts,
    key: Result<PublicKey, CsrError>,
    signature: Result<RequestSignature, CsrError>,
}

/// Reads a key, verifies the signature with it over the octets as received, and asks whether it is weak.
///
/// # Errors
/// -10 only; other errors stand in the result.
fn judge_key(
    key: &SubjectPublicKeyInfoRef<'_>,
    algorithm: &AlgorithmIdentifierRef<'_>,
    signed: &[u8],
    signature: BitStringRef<'_>,
    weak: &WeakKeys,
) -> Result<Judged, CsrError> {
    let mut facts = KeyFacts::default();
    let key = match spki::read_parsed(key, &mut facts) {
        Err(CsrError::Decode) => return Err(CsrError::Decode),
        key => key,
    };
    let signature = match &key {
        Ok(key) => signature::verify(key, algorithm, signed, signature),
        Err(error) => Err(*error),
    };
    let key = key.and_then(|(key, _)| match weak.check(&key) {
        Ok(()) => Ok(key),
        Err(_) => Err(CsrError::Compromised),
    });
    Ok(Judged { facts, key, signature })
}

/// Reads a PKCS #10 request or an SPKAC from a parameter's text, whichever it is.
///
/// # Errors
/// [`CsrError`], for either the same: -9 for what is no Base64, -10 for what is neither.
pub fn read_either(text: &str, weak: &WeakKeys) -> Result<Csr, CsrError> {
    if spkac::body(text).is_some() {
        return spkac::read(text, weak);
    }
    let proven = |octets: &[u8]| decode_either(octets, weak).is_ok_and(|d| d.signature.is_ok());
    read_either_der(&text::to_octets(text, proven)?, weak)
}

/// Reads a PKCS #10 request or an SPKAC from its octets.
///
/// # Errors
/// [`CsrError`].
pub fn read_either_der(bytes: &[u8], weak: &WeakKeys) -> Result<Csr, CsrError> {
    decode_either(bytes, weak)?.into_csr()
}

fn decode_either(bytes: &[u8], weak: &WeakKeys) -> Result<Decoded, CsrError> {
    if spkac::is_one(bytes) { spkac::decode_der(bytes, weak) } else { decode_der(bytes, weak) }
}

/// Microsoft's template extension of a request that was read before, whole, in DER; None where it has none, as SPKACs do.
#[must_use]
pub fn microsoft_template(request: &[u8]) -> Option<Vec<u8>> {
    let der = normalise::outer(request).and_then(normalise::to_der).ok()?;
    let request = Request::from_der(&der).ok()?;
    wishes::read(request.info.attributes.as_ref()).ok()?.microsoft_template
}

/// Digests over a request's octets.
#[must_use]
pub fn digests(der: &[u8]) -> CsrDigests {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let mut sha1 = [0; 20];
    sha1.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
    CsrDigests { md5: Md5::digest(der).into(), sha1, sha256: spki::sha256(der) }
}

/// CertificationRequest of PKCS #10. The crate's own type takes version 0 only and wants attributes; old tools send
/// versions 1 and 2 as well, or leave the attributes out.
#[derive(Sequence)]
struct Request<'a> {
    info: Info<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
struct Info<'a> {
    version: u8,
    subject: Name,
    key: SubjectPublicKeyInfoRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    attributes: Option<Attributes>,
}
