//! Making roots and issuing CAs.

use domain::certificate::{CaId, Serial, Validity};
use domain::country::CountryCode;
use domain::time::{DAY, Entropy, SECOND, Time};

use super::{CaCertificate, CaRole, CaSlot, NotACa, certificate_url, crl_url};
use crate::name::{self, Attribute};
use crate::oid;
use crate::profile::{Hierarchy, ValidationKind};
use crate::signer::{CaSigner, CannotSign, KeyChoice};
use crate::spki;
use crate::tbs::{self, Tbs};

/// Days of a root: 20 years, within 2922 to 9132 (BR 7.1.2.1.1).
pub const ROOT_DAYS: i64 = 7_305;
/// Days of an issuing CA: 10 years.
pub const ISSUING_DAYS: i64 = 3_652;

/// What the operator decides about the CAs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CeremonyOptions {
    /// organizationName, at most 32 characters.
    pub organization: String,
    /// countryName.
    pub country: CountryCode,
    /// `pki_base_url`: plain http, no slash at the end.
    pub base_url: String,
    /// Puts "Sandbox" into every name.
    pub sandbox: bool,
    /// Keys of the RSA issuing CAs.
    pub rsa: RsaSize,
}

/// Sizes of RSA keys of issuing CAs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RsaSize {
    /// 2048 bits.
    #[default]
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl CeremonyOptions {
    /// Which key a place in the plan gets: P-384 for roots.
    #[must_use]
    pub fn key_choice(&self, slot: CaSlot) -> KeyChoice {
        match (slot.role, self.rsa) {
            (CaRole::Root, _) => KeyChoice::P384,
            (CaRole::Issuing { rsa: false, .. }, _) => KeyChoice::P256,
            (CaRole::Issuing { .. }, RsaSize::Rsa2048) => KeyChoice::Rsa2048,
            (CaRole::Issuing { .. }, RsaSize::Rsa3072) => KeyChoice::Rsa3072,
            (CaRole::Issuing { .. }, RsaSize::Rsa4096) => KeyChoice::Rsa4096,
        }
    }

    /// O and CN of a place in the plan.
    fn names(&self, slot: CaSlot) -> (String, String) {
        let sandbox = if self.sandbox { " Sandbox" } else { "" };
        let test = if slot.test { " Untrusted Test" } else { "" };
        let organization = format!("{}{sandbox}{test}", self.organization);
        let kind_of_root = match (slot.hierarchy, slot.role) {
            (Hierarchy::Public, _) | (Hierarchy::Mail, CaRole::Issuing { .. }) => "",
            (Hierarchy::Private, _) => " Private",
            (Hierarchy::Mail, CaRole::Root) => " Mail",
        };
        let what = match slot.role {
            CaRole::Root => "Root P384 1".to_owned(),
            CaRole::Issuing { kind, rsa } => {
                let key = if rsa { "RSA" } else { "EC" };
                format!("{} {key} CA 1", in_names(kind))
            }
        };
        let mut common_name = format!("{organization}{kind_of_root} {what}");
        if common_name.chars().count() > 64 {
            common_name = format!("{sandbox}{test}{kind_of_root} {what}").trim().to_owned();
        }
        (organization, common_name)
    }
}

/// How names of CAs call what they issue.
fn in_names(kind: ValidationKind) -> &'static str {
    match kind {
        ValidationKind::Dv => "DV",
        ValidationKind::Ov => "OV",
        ValidationKind::Iv => "IV",
        ValidationKind::Ev => "EV",
        ValidationKind::MailboxMultipurpose => "S/MIME MV",
        ValidationKind::MailboxStrict => "S/MIME MV Strict",
        ValidationKind::OrganizationMultipurpose => "S/MIME OV",
    }
}

/// Why no CA was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The organisation's name is empty or over 32 characters.
    #[error("the organisation's name must have 1 to 32 characters")]
    Organization,
    /// The base URL is not http with a public host.
    #[error("pki_base_url must be http:// and a public DNS name")]
    BaseUrl,
    /// A key failed.
    #[error(transparent)]
    Key(#[from] CannotSign),
    /// What came out is no CA certificate, or its signature is wrong.
    #[error(transparent)]
    Result(#[from] NotACa),
}

/// The same key's root, or the root above it.
pub struct Issuer<'a> {
    /// The root's certificate.
    pub certificate: &'a CaCertificate,
    /// The root's key.
    pub signer: &'a dyn CaSigner,
}

/// Makes a root: signed by itself.
///
/// # Errors
/// [`CeremonyError`].
pub fn root(
    id: CaId,
    slot: CaSlot,
    signer: &dyn CaSigner,
    options: &CeremonyOptions,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<CaCertificate, CeremonyError> {
    let subject = subject(slot, options)?;
    let key_id = spki::key_identifier(signer.spki()).map_err(|_| NotACa)?;
    let extensions = [
        tbs::subject_key_id(&key_id),
        tbs::authority_key_id(&key_id),
        tbs::key_usage_ca(),
        tbs::basic_constraints_ca(false),
    ];
    let extensions = extensions.into_iter().collect::<der::Result<_>>().map_err(|_| NotACa)?;
    let tbs = Tbs {
        serial: fresh_serial(entropy),
        algorithm: signer.algorithm(),
        issuer: &subject,
        validity: validity(now, ROOT_DAYS),
        subject: &subject,
        spki: signer.spki(),
        extensions,
    };
    let certificate = finish(id, slot, tbs, signer)?;
    if certificate.has_signed(&certificate.der) { Ok(certificate) } else { Err(NotACa.into()) }
}

/// Makes an issuing CA under its root.
///
/// # Errors
/// [`CeremonyError`].
pub fn issuing(
    id: CaId,
    slot: CaSlot,
    key: &[u8],
    root: &Issuer<'_>,
    options: &CeremonyOptions,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<CaCertificate, CeremonyError> {
    let subject = subject(slot, options)?;
    let root_slug = root.certificate.slot.slug();
    let mut extensions = vec![
        tbs::authority_key_id(root.certificate.key_id()),
        tbs::subject_key_id(&spki::key_identifier(key).map_err(|_| NotACa)?),
        tbs::key_usage_ca(),
        tbs::basic_constraints_ca(true),
    ];
    if let CaRole::Issuing { kind, .. } = slot.role {
        extensions.push(tbs::extended_key_usage(kind.key_purposes()));
        let policy = oid::from_dotted(kind.reserved_policy());
        let policy = policy.filter(|_| slot.hierarchy != Hierarchy::Private);
        extensions.extend(policy.map(|id| tbs::policy(&id)));
    }
    extensions.extend([
        tbs::crl_distribution_point(&crl_url(&options.base_url, &root_slug)),
        tbs::ca_issuers(&certificate_url(&options.base_url, &root_slug)),
    ]);
    let extensions = extensions.into_iter().collect::<der::Result<_>>().map_err(|_| NotACa)?;
    let mut validity = validity(now, ISSUING_DAYS);
    validity.not_before = validity.not_before.max(root.certificate.validity().not_before);
    validity.not_after = validity.not_after.min(root.certificate.validity().not_after);
    let tbs = Tbs {
        serial: fresh_serial(entropy),
        algorithm: root.signer.algorithm(),
        issuer: root.certificate.subject(),
        validity,
        subject: &subject,
        spki: key,
        extensions,
    };
    let certificate = finish(id, slot, tbs, root.signer)?;
    if root.certificate.has_signed(&certificate.der) { Ok(certificate) } else { Err(NotACa.into()) }
}

fn finish(
    id: CaId,
    slot: CaSlot,
    tbs: Tbs<'_>,
    signer: &dyn CaSigner,
) -> Result<CaCertificate, CeremonyError> {
    let algorithm = tbs.algorithm;
    let bytes = tbs.encode().map_err(|_| NotACa)?;
    let signature = signer.sign(&bytes)?;
    let der = tbs::signed(&bytes, algorithm, &signature).map_err(|_| NotACa)?;
    Ok(CaCertificate::read(id, slot, der)?)
}

/// Whether CAs may be named after it: 1 to 32 characters, so that there is room for what the CA is for, and no blanks at the
/// ends.
#[must_use]
pub fn is_organization(name: &str) -> bool {
    name.trim() == name && (1..=32).contains(&name.chars().count())
}

fn subject(slot: CaSlot, options: &CeremonyOptions) -> Result<Vec<u8>, CeremonyError> {
    if !is_organization(&options.organization) {
        return Err(CeremonyError::Organization);
    }
    if !crate::lint::is_public_http_url(&options.base_url) {
        return Err(CeremonyError::BaseUrl);
    }
    let (organization, common_name) = options.names(slot);
    let encoded = name::encode(&[
        (Attribute::Country, options.country.as_str()),
        (Attribute::Organization, &organization),
        (Attribute::CommonName, &common_name),
    ]);
    Ok(encoded.map_err(|_| NotACa)?)
}

/// From 00:00:00 of the day, so that the first leaf, whose validity begins there too, nests (BR 7.1.2.1.1 and 7.1.2.6 let
/// a CA begin up to a day before it is signed).
fn validity(now: Time, days: i64) -> Validity {
    let not_before = now.start_of_day();
    Validity { not_before, not_after: not_before.plus(days * DAY - SECOND) }
}

/// 126 random bits: the top one is clear and the next is set, so that every serial has 16 octets.
pub(crate) fn fresh_serial(entropy: &dyn Entropy) -> Serial {
    loop {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        bytes[0] = (bytes[0] & 0x7f) | 0x40;
        if let Some(serial) = Serial::from_random(bytes) {
            return serial;
        }
    }
}
