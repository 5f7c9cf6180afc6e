//! From an order's facts to the bytes of a leaf certificate that wait to be linted.

use domain::certificate::{Serial, Validity};
use domain::csr::PublicKey;
use domain::names::CertName;

use crate::ca::CaCertificate;
use crate::name::{self, Attribute};
use crate::profile::Profile;
use crate::tbs::{self, Tbs};

/// What a leaf is made of.
#[derive(Clone, Copy, Debug)]
pub struct LeafRequest<'a> {
    /// The kind of certificate.
    pub profile: &'a Profile,
    /// Who will sign.
    pub ca: &'a CaCertificate,
    /// Its number.
    pub serial: Serial,
    /// How long.
    pub validity: Validity,
    /// The subject's key.
    pub key: &'a PublicKey,
    /// The proven names, in the order wanted; repetitions fall away.
    pub names: &'a [CertName],
    /// The common name, one of the names. It is left out where it has more than 64 characters (RFC 5280, A.1).
    pub common_name: Option<&'a CertName>,
    /// Validated attributes; those that the profile does not take are left out.
    pub subject: &'a [(Attribute, String)],
    /// Where the CRL shard of this certificate will be.
    pub crl_url: &'a str,
    /// Where the issuer's certificate is.
    pub issuer_url: &'a str,
}

/// A leaf that was put together; nobody has looked at it yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    pub(crate) tbs: Vec<u8>,
}

impl Prepared {
    /// DER of the TBSCertificate.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }
}

/// Why no leaf could be put together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PrepareError {
    /// No name.
    #[error("no name to certify")]
    NoNames,
    /// The common name is none of the names.
    #[error("the common name is none of the alternative names")]
    CommonName,
    /// An attribute that the profile requires is not there.
    #[error("the subject lacks {}", .0.name())]
    Lacks(Attribute),
    /// Something that cannot be encoded, e.g. a URL that is not ASCII.
    #[error("cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
}

/// Puts the bytes together. The order of extensions is fixed.
///
/// # Errors
/// [`PrepareError`]; most rules are the linter's to check.
pub fn prepare(request: &LeafRequest<'_>) -> Result<Prepared, PrepareError> {
    let mut names: Vec<CertName> = Vec::with_capacity(request.names.len());
    let mut seen = std::collections::HashSet::with_capacity(request.names.len());
    for name in request.names {
        if seen.insert(name) {
            names.push(name.clone());
        }
    }
    if names.is_empty() {
        return Err(PrepareError::NoNames);
    }
    let subject = subject(request)?;
    Ok(Prepared { tbs: encode(request, &subject, &names)? })
}

fn encode(request: &LeafRequest<'_>, subject: &[u8], names: &[CertName]) -> der::Result<Vec<u8>> {
    let mut extensions = Vec::with_capacity(8);
    extensions.extend([
        tbs::authority_key_id(request.ca.key_id())?,
        tbs::key_usage_digital_signature()?,
        tbs::basic_constraints_leaf()?,
        tbs::server_auth()?,
    ]);
    if let Some(policy) = request.profile.policy() {
        extensions.push(tbs::policy(policy)?);
    }
    extensions.extend([
        tbs::crl_distribution_point(request.crl_url)?,
        tbs::ca_issuers(request.issuer_url)?,
        tbs::alternative_names(names, subject == [0x30, 0])?,
    ]);
    let tbs = Tbs {
        serial: request.serial,
        algorithm: request.ca.algorithm(),
        issuer: request.ca.subject(),
        validity: request.validity,
        subject,
        spki: &request.key.spki,
        extensions,
    };
    tbs.encode()
}

fn subject(request: &LeafRequest<'_>) -> Result<Vec<u8>, PrepareError> {
    let profile = request.profile;
    let common_name = match request.common_name {
        Some(name) if !request.names.contains(name) => return Err(PrepareError::CommonName),
        Some(name) => name.to_string(),
        None => String::new(),
    };
    let mut attributes: Vec<(Attribute, &str)> = request
        .subject
        .iter()
        .filter(|(a, value)| {
            *a != Attribute::CommonName && profile.takes(*a) && !value.trim().is_empty()
        })
        .map(|(a, value)| (*a, value.trim()))
        .collect();
    if profile.takes(Attribute::CommonName) && (1..=64).contains(&common_name.len()) {
        attributes.push((Attribute::CommonName, &common_name));
    }
    let lacks = profile.required().iter().find(|r| attributes.iter().all(|(a, _)| a != *r));
    match lacks {
        Some(attribute) => Err(PrepareError::Lacks(*attribute)),
        None => Ok(name::encode(&attributes)?),
    }
}
