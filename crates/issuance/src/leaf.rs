//! From an order's facts to the bytes of a leaf certificate that wait to be linted.

pub mod template;

use domain::certificate::{Serial, Validity};
use domain::csr::PublicKey;
use domain::names::CertName;
use x509_cert::ext::Extension;

use crate::ca::CaCertificate;
use crate::name::{self, Attribute};
use crate::profile::{Profile, Purpose};
use crate::spki;
use crate::tbs::{self, Tbs};
pub use template::Template;

/// What stands as the common name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommonName<'a> {
    /// One of the names.
    Name(&'a CertName),
    /// The organisation's name, as it stands in the subject: for mail (S/MIME BR 7.1.4.2.2 a).
    Organization,
}

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
    /// The common name. It is left out where it has more than 64 characters (RFC 5280, A.1).
    pub common_name: Option<CommonName<'a>>,
    /// Validated attributes; those that the profile does not take are left out.
    pub subject: &'a [(Attribute, String)],
    /// Where the CRL shard of this certificate will be.
    pub crl_url: &'a str,
    /// Where the issuer's certificate is.
    pub issuer_url: &'a str,
    /// Microsoft's template, for mail alone.
    pub template: Option<&'a Template>,
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
    /// The common name is none of the names, or an organisation's that the subject does not name.
    #[error("the common name is none of the alternative names, nor the organisation's")]
    CommonName,
    /// A template where there must be none.
    #[error("a certificate for servers takes no template")]
    Template,
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
    if request.template.is_some() && request.profile.purpose() == Purpose::Server {
        return Err(PrepareError::Template);
    }
    let subject = subject(request)?;
    Ok(Prepared { tbs: encode(request, &subject, &names)? })
}

fn encode(request: &LeafRequest<'_>, subject: &[u8], names: &[CertName]) -> der::Result<Vec<u8>> {
    let of_its_purpose = match request.profile.purpose() {
        Purpose::Server => for_a_server,
        Purpose::Mail => for_mail,
    };
    let mut extensions = Vec::with_capacity(10);
    extensions.push(tbs::authority_key_id(request.ca.key_id())?);
    extensions.extend(of_its_purpose(request)?);
    extensions.extend([
        tbs::basic_constraints_leaf()?,
        tbs::extended_key_usage(request.profile.kind().key_purposes())?,
    ]);
    if let Some(policy) = request.profile.policy() {
        extensions.push(tbs::policy(policy)?);
    }
    extensions.extend([
        tbs::crl_distribution_point(request.crl_url)?,
        tbs::ca_issuers(request.issuer_url)?,
        tbs::alternative_names(names, subject == [0x30, 0])?,
    ]);
    extensions.extend(request.template.map(Template::extension));
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

/// No subjectKeyIdentifier (BR 7.1.2.7.6: not recommended).
fn for_a_server(_: &LeafRequest<'_>) -> der::Result<Vec<Extension>> {
    Ok(vec![tbs::key_usage_digital_signature()?])
}

/// The same certificate signs mails and is encrypted to.
fn for_mail(request: &LeafRequest<'_>) -> der::Result<Vec<Extension>> {
    let key = request.key;
    Ok(vec![
        tbs::subject_key_id(&spki::key_identifier_sha1(&key.spki)?)?,
        tbs::key_usage_signs_and_decrypts(key.kind.is_rsa())?,
    ])
}

fn subject(request: &LeafRequest<'_>) -> Result<Vec<u8>, PrepareError> {
    let profile = request.profile;
    let mut attributes: Vec<(Attribute, &str)> = request
        .subject
        .iter()
        .filter(|(a, value)| {
            *a != Attribute::CommonName && profile.takes(*a) && !value.trim().is_empty()
        })
        .map(|(a, value)| (*a, value.trim()))
        .collect();
    let common_name = common_name(request, &attributes)?;
    if profile.takes(Attribute::CommonName)
        && let Some(text) = common_name.as_deref().filter(|text| text.chars().count() <= 64)
    {
        attributes.push((Attribute::CommonName, text));
    }
    let lacks = profile.required().iter().find(|r| attributes.iter().all(|(a, _)| a != *r));
    match lacks {
        Some(attribute) => Err(PrepareError::Lacks(*attribute)),
        None => Ok(name::encode(&attributes)?),
    }
}

fn common_name(
    request: &LeafRequest<'_>,
    attributes: &[(Attribute, &str)],
) -> Result<Option<String>, PrepareError> {
    let text = match request.common_name {
        None => return Ok(None),
        Some(CommonName::Name(name)) => request.names.contains(name).then(|| name.to_string()),
        Some(CommonName::Organization) if request.profile.purpose() == Purpose::Mail => {
            let organization = attributes.iter().find(|(a, _)| *a == Attribute::Organization);
            organization.map(|(_, text)| (*text).to_owned())
        }
        Some(CommonName::Organization) => None,
    };
    text.map(Some).ok_or(PrepareError::CommonName)
}
