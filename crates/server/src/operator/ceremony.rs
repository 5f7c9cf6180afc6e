//! The ceremony: a folder of CAs is made, or completed.

use std::path::PathBuf;

use domain::time::Clock;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Complaint, Done};
use crate::clock::{SystemClock, SystemEntropy};
use crate::open::{self, CaPlan};

/// What is to be made.
pub struct Wish {
    /// The folder.
    pub dir: PathBuf,
    /// organizationName.
    pub organization: String,
    /// countryName.
    pub country: String,
    /// Plain http on a public DNS name.
    pub base_url: String,
    /// Of RSA issuing CAs: 2048, 3072 or 4096.
    pub rsa_bits: u32,
}

/// A CA for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct CaView {
    /// `caCertificateID`.
    pub number: i64,
    /// Its name in files and URLs.
    pub name: String,
    /// Made by this ceremony.
    pub new: bool,
    /// Subject.
    pub subject: String,
    /// Kind of key.
    pub key: String,
    /// Serial.
    pub serial: String,
    /// First second.
    pub not_before: String,
    /// Last second.
    pub not_after: String,
    /// SHA-256 of the certificate.
    pub sha256: String,
}

/// Whether a folder has its master key, so that its passphrase is asked once and not twice.
#[must_use]
pub fn exists(dir: &std::path::Path) -> bool {
    dir.join("master.key").exists()
}

/// Makes what is missing and lists every CA; writes `roots.pem` and `test-roots.pem` into the folder.
///
/// # Errors
/// Words for the operator.
pub fn perform(wish: &Wish, passphrase: Zeroizing<Vec<u8>>) -> Done<Vec<CaView>> {
    let before = list(wish)?;
    let plan = CaPlan {
        dir: wish.dir.clone(),
        passphrase,
        organization: wish.organization.clone(),
        country: wish.country.clone(),
        base_url: wish.base_url.clone(),
        crl_shards: 1,
        rsa_bits: wish.rsa_bits,
    };
    let now = SystemClock.now();
    let folder =
        open::ca_folder(&plan, false, now, &SystemEntropy).map_err(|e| Complaint(e.to_string()))?;
    for (name, test) in [("roots.pem", false), ("test-roots.pem", true)] {
        let path = wish.dir.join(name);
        std::fs::write(&path, folder.roots_pem(test))
            .map_err(|e| Complaint(format!("{}: {e}", path.display())))?;
    }
    let mut all = list(wish)?;
    for ca in &mut all {
        ca.new = !before.iter().any(|b| b.name == ca.name);
    }
    Ok(all)
}

fn list(wish: &Wish) -> Done<Vec<CaView>> {
    let found = issuance::folder::certificates(&wish.dir).map_err(|e| Complaint(e.to_string()))?;
    let view = |c: issuance::ca::CaCertificate| CaView {
        number: c.id.0,
        name: c.slot.slug(),
        new: false,
        subject: c.subject_text(),
        key: c.key_words(),
        serial: c.serial(),
        not_before: c.validity().not_before.to_string(),
        not_after: c.validity().not_after.to_string(),
        sha256: hex::encode(issuance::spki::sha256(&c.der)),
    };
    Ok(found.into_iter().map(view).collect())
}
