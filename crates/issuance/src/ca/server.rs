//! Certificates of the house's own servers: short-lived, and under the private root alone.

use domain::certificate::{Serial, Validity};
use domain::names::CertName;
use domain::time::{DAY, Entropy, HOUR, SECOND, Time};
use zeroize::Zeroizing;

use super::ceremony::{CeremonyError, fresh_serial};
use super::{Authority, CaRole, NotACa};
use crate::collect::pem;
use crate::name::{self, Attribute};
use crate::oid::id;
use crate::profile::Hierarchy;
use crate::signer::{CaSigner as _, KeyChoice, SoftwareKey};
use crate::tbs::{self, Tbs};

/// How long one lives: so short that it names no list on which it could be revoked.
pub const LIFE: i64 = 7 * DAY;

/// A server's certificate with its key.
pub struct ServerCertificate {
    /// The certificate and the CA's that signed it, PEM.
    pub chain: String,
    /// The key, PKCS #8 in PEM.
    pub key: Zeroizing<String>,
    /// Its number.
    pub serial: Serial,
    /// First and last second.
    pub validity: Validity,
}

/// Makes a key and a certificate for a server of the house. It certifies nobody's control of a name: the operator says
/// which name it is, and only those who trust the private root believe it.
///
/// # Errors
/// [`CeremonyError`]; so for an authority that is no issuing CA of the private hierarchy.
pub fn certificate(
    authority: &Authority,
    host: &CertName,
    issuer_url: &str,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<ServerCertificate, CeremonyError> {
    let ca = &authority.certificate;
    let issuing = matches!(ca.slot.role, CaRole::Issuing { .. });
    if !issuing || ca.slot.hierarchy != Hierarchy::Private {
        return Err(NotACa.into());
    }
    let (key, pkcs8) = SoftwareKey::generate(KeyChoice::P256)?;
    let common_name = host.to_string();
    let attributes = [(Attribute::CommonName, common_name.as_str())];
    let subject = name::encode(if common_name.len() <= 64 { &attributes } else { &[] });
    let subject = subject.map_err(|_| NotACa)?;
    let serial = fresh_serial(entropy);
    let validity = Validity {
        not_before: now.plus(-HOUR).max(ca.validity().not_before),
        not_after: now.plus(LIFE - HOUR - SECOND).min(ca.validity().not_after),
    };
    let extensions = [
        tbs::authority_key_id(ca.key_id()),
        tbs::key_usage_digital_signature(),
        tbs::basic_constraints_leaf(),
        tbs::extended_key_usage(&[id::SERVER_AUTH]),
        tbs::ca_issuers(issuer_url),
        tbs::alternative_names(std::slice::from_ref(host), subject == [0x30, 0]),
    ];
    let extensions = extensions.into_iter().collect::<der::Result<_>>().map_err(|_| NotACa)?;
    let tbs = Tbs {
        serial,
        algorithm: ca.algorithm(),
        issuer: ca.subject(),
        validity,
        subject: &subject,
        spki: key.spki(),
        extensions,
    };
    let bytes = tbs.encode().map_err(|_| NotACa)?;
    let signature = authority.signer.sign(&bytes)?;
    let der = tbs::signed(&bytes, ca.algorithm(), &signature).map_err(|_| NotACa)?;
    if !ca.has_signed(&der) {
        return Err(NotACa.into());
    }
    let chain = [pem("CERTIFICATE", &der), pem("CERTIFICATE", &ca.der)].concat();
    Ok(ServerCertificate {
        chain,
        key: Zeroizing::new(pem("PRIVATE KEY", &pkcs8)),
        serial,
        validity,
    })
}
