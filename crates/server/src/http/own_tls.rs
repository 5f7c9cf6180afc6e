//! The server's own certificate from the house's own CA: made at the start, and anew when half of its life is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::certificate::Validity;
use domain::names::CertName;
use domain::time::Time;
use issuance::ca::{CaRole, CaSlot, certificate_url, server};
use issuance::profile::{Hierarchy, ValidationKind};

use super::listen::{BadTls, Tls};
use crate::house::House;

/// Who makes certificates for a server of this name.
pub struct OwnTls {
    house: Arc<House>,
    host: CertName,
    /// Milliseconds of the moment when the next one is due.
    due: AtomicI64,
}

impl OwnTls {
    /// For the host where people find the pages.
    #[must_use]
    pub fn new(house: Arc<House>, host: CertName) -> Self {
        Self { house, host, due: AtomicI64::new(0) }
    }

    /// The first one.
    ///
    /// # Errors
    /// [`BadTls`] when the private CA is not there or its key fails.
    pub fn first(&self) -> Result<Tls, BadTls> {
        let made = self.make()?;
        Tls::from_pem(made.chain.as_bytes(), made.key.as_bytes())
    }

    /// Another one, for connections from now on.
    ///
    /// # Errors
    /// [`BadTls`]; the old one stays then.
    pub fn renew(&self, tls: &Tls) -> Result<(), BadTls> {
        let made = self.make()?;
        tls.exchange(made.chain.as_bytes(), made.key.as_bytes())
    }

    /// Whether it is time for another one: half of the life of the last is over.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.house.now().ms() >= self.due.load(Ordering::Relaxed)
    }

    fn make(&self) -> Result<server::ServerCertificate, BadTls> {
        let role = CaRole::Issuing { kind: ValidationKind::Ov, rsa: false };
        let slug = CaSlot { hierarchy: Hierarchy::Private, test: false, role }.slug();
        let authority = &self.house.authority;
        let ca = authority.by_slug(&slug);
        let ca = ca.ok_or_else(|| BadTls::because(format!("there is no CA {slug}")))?;
        let url = certificate_url(authority.base_url(), &slug);
        let now = self.house.now();
        let made = server::certificate(ca, &self.host, &url, &*self.house.chance, now);
        let made = made.map_err(|e| BadTls::because(e.to_string()))?;
        self.due.store(half_time(made.validity).ms(), Ordering::Relaxed);
        let (host, serial, until) = (&self.host, made.serial, made.validity.not_after);
        tracing::info!(%host, %serial, %until, "made a TLS certificate");
        Ok(made)
    }
}

fn half_time(validity: Validity) -> Time {
    validity.not_before.plus(validity.not_after.since(validity.not_before) / 2)
}
