//! CA certificates, and the plan of which there are.

pub mod ceremony;
pub mod server;
mod words;

use der::{Decode, Encode};
use domain::certificate::{CaId, Validity};
use domain::time::Time;

use crate::profile::{Hierarchy, ValidationKind};
use crate::signer::{CaSigner, SignatureAlgorithm, Verifier};
use crate::tbs;

/// A place in the plan: which CA this is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CaSlot {
    /// Under which kind of root.
    pub hierarchy: Hierarchy,
    /// For test orders: its names say that nobody should trust it.
    pub test: bool,
    /// Root or issuing.
    pub role: CaRole,
}

/// What a CA does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CaRole {
    /// Signs issuing CAs and their CRL.
    Root,
    /// Signs leaves and their CRLs.
    Issuing {
        /// Which.
        kind: ValidationKind,
        /// For subjects with RSA keys, itself RSA; else both are EC.
        rsa: bool,
    },
}

impl CaSlot {
    /// Every CA that a folder should have, each root before what is under it. Their place here is their number, so what is
    /// new comes last.
    #[must_use]
    pub fn plan() -> Vec<CaSlot> {
        let eras: [&[Hierarchy]; 2] =
            [&[Hierarchy::Public, Hierarchy::Private], &[Hierarchy::Mail]];
        eras.into_iter().flat_map(Self::trees).collect()
    }

    /// The roots of these hierarchies, live and test, then their issuing CAs.
    fn trees(hierarchies: &[Hierarchy]) -> Vec<CaSlot> {
        let root = |hierarchy: &Hierarchy| {
            [false, true].map(|test| CaSlot { hierarchy: *hierarchy, test, role: CaRole::Root })
        };
        let roots: Vec<CaSlot> = hierarchies.iter().flat_map(root).collect();
        let issuing: Vec<CaSlot> = roots.iter().flat_map(|root| root.issuing()).collect();
        [roots, issuing].concat()
    }

    /// The issuing CAs under a root.
    fn issuing(self) -> impl Iterator<Item = CaSlot> {
        let kinds: &[ValidationKind] = match self.hierarchy {
            Hierarchy::Public => &ValidationKind::SERVER,
            Hierarchy::Private => &[ValidationKind::Ov],
            Hierarchy::Mail => &ValidationKind::MAIL,
        };
        let roles = kinds.iter().flat_map(|kind| [true, false].map(|rsa| (*kind, rsa)));
        roles.map(move |(kind, rsa)| CaSlot { role: CaRole::Issuing { kind, rsa }, ..self })
    }

    /// The slot of the root above it; a root is above itself.
    #[must_use]
    pub fn root(self) -> CaSlot {
        CaSlot { role: CaRole::Root, ..self }
    }

    /// Its name in files and URLs: `public-root`, `public-dv-rsa`, `test-private-ov-ec`, `mail-mv-multi-rsa`.
    #[must_use]
    pub fn slug(self) -> String {
        let test = if self.test { "test-" } else { "" };
        let hierarchy = self.hierarchy.as_str();
        match self.role {
            CaRole::Root => format!("{test}{hierarchy}-root"),
            CaRole::Issuing { kind, rsa } => {
                let key = if rsa { "rsa" } else { "ec" };
                format!("{test}{hierarchy}-{}-{key}", kind.as_str())
            }
        }
    }
}

/// Where a CA's own certificate is published, in DER.
#[must_use]
pub fn certificate_url(base: &str, slug: &str) -> String {
    format!("{}/crt/{slug}.crt", base.trim_end_matches('/'))
}

/// Where a root's CRL is published.
#[must_use]
pub fn crl_url(base: &str, slug: &str) -> String {
    format!("{}/crl/{slug}.crl", base.trim_end_matches('/'))
}

/// Where a shard of an issuing CA's CRL is published.
#[must_use]
pub fn crl_shard_url(base: &str, slug: &str, shard: u32) -> String {
    format!("{}/crl/{slug}/{shard}.crl", base.trim_end_matches('/'))
}

/// A CA's certificate, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaCertificate {
    /// Its number.
    pub id: CaId,
    /// Its place in the plan.
    pub slot: CaSlot,
    /// DER.
    pub der: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    key_id: Vec<u8>,
    verifier: Verifier,
    validity: Validity,
}

/// The bytes are no CA certificate of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a usable CA certificate")]
pub struct NotACa;

impl CaCertificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`NotACa`] if it does not parse, has no subject key identifier, or a key of another kind or that is none.
    pub fn read(id: CaId, slot: CaSlot, der: Vec<u8>) -> Result<Self, NotACa> {
        let certificate = x509_cert::Certificate::from_der(&der).map_err(|_| NotACa)?;
        let tbs = certificate.tbs_certificate();
        let spki = tbs.subject_public_key_info().to_der().map_err(|_| NotACa)?;
        let key_id = tbs
            .get_extension::<x509_cert::ext::pkix::SubjectKeyIdentifier>()
            .ok()
            .flatten()
            .map(|(_, id)| id.0.as_bytes().to_vec())
            .ok_or(NotACa)?;
        let at = |time: &x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs()).map(Time::from_secs)
        };
        Ok(Self {
            id,
            slot,
            subject: tbs.subject().to_der().map_err(|_| NotACa)?,
            verifier: Verifier::of_key(&spki).ok_or(NotACa)?,
            validity: Validity {
                not_before: at(&tbs.validity().not_before).map_err(|_| NotACa)?,
                not_after: at(&tbs.validity().not_after).map_err(|_| NotACa)?,
            },
            spki,
            key_id,
            der,
        })
    }

    /// DER of its subject.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// DER of its key.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Its subject key identifier.
    #[must_use]
    pub fn key_id(&self) -> &[u8] {
        &self.key_id
    }

    /// How its key signs.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.verifier.algorithm()
    }

    /// First and last second.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether it signed this certificate or CRL.
    #[must_use]
    pub fn has_signed(&self, der: &[u8]) -> bool {
        tbs::split(der).is_ok_and(|(tbs, algorithm, signature)| {
            algorithm == self.algorithm().der() && self.verifier.verifies(tbs, signature)
        })
    }
}

/// A CA's certificate with its key.
pub struct Authority {
    /// The certificate.
    pub certificate: CaCertificate,
    /// The key.
    pub signer: Box<dyn CaSigner>,
}

impl Authority {
    /// Puts the two together.
    ///
    /// # Errors
    /// [`NotACa`] if the key is another one than the certificate's.
    pub fn new(certificate: CaCertificate, signer: Box<dyn CaSigner>) -> Result<Self, NotACa> {
        if certificate.spki == signer.spki() {
            Ok(Self { certificate, signer })
        } else {
            Err(NotACa)
        }
    }
}
