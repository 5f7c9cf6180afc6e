//! Which CAs a database belongs to: noted when they are first seen, asked at every start.
//!
//! A database names the CA of every certificate and list by its number. Opened with a folder where that number is another
//! CA's, it would sign lists with the wrong key, and revoke what was never issued.

use std::path::Path;

use domain::time::Time;
use issuance::ca::CaCertificate;
use issuance::folder::CaFolder;
use store::cas::{self, KnownCa};
use store::{Store, StoreError, Tx};

use crate::open::{OpenError, bad};

/// What stands in the way when a folder is not the database's.
const WHAT: &str = "CA folder";

/// Whether the folder has every CA of the database. Before anything is made in it.
///
/// # Errors
/// [`OpenError`] with the first CA that is missing or another.
pub fn check(store: &Store, dir: &Path) -> Result<(), OpenError> {
    let known = store.read_blocking("known_cas", cas::known).map_err(bad("database"))?;
    if known.is_empty() {
        return Ok(());
    }
    let found = issuance::folder::certificates(dir).map_err(bad(WHAT))?;
    let found: Vec<KnownCa> = found.iter().map(as_known).collect();
    compare(&known, &found, dir)
}

/// Notes the folder's CAs that the database does not know yet.
///
/// # Errors
/// As [`check`]: another node may have noted others since.
pub fn note(store: &Store, folder: &CaFolder, dir: &Path, now: Time) -> Result<(), OpenError> {
    let found: Vec<KnownCa> =
        folder.authorities().iter().map(|a| as_known(&a.certificate)).collect();
    let all = found.clone();
    let write = move |tx: &mut Tx<'_>| -> Result<Vec<KnownCa>, StoreError> {
        let known = cas::known(tx)?;
        let mut new = all.iter().filter(|ca| known.iter().all(|k| k.id != ca.id)).peekable();
        if new.peek().is_none() {
            return Ok(known);
        }
        for ca in new {
            cas::note(tx, ca, now)?;
        }
        cas::known(tx)
    };
    let known = store.write_blocking("note_cas", write).map_err(bad("database"))?;
    compare(&known, &found, dir)
}

fn as_known(certificate: &CaCertificate) -> KnownCa {
    KnownCa {
        id: certificate.id,
        name: certificate.slot.slug(),
        sha256: issuance::spki::sha256(&certificate.der),
    }
}

fn compare(known: &[KnownCa], found: &[KnownCa], dir: &Path) -> Result<(), OpenError> {
    let wrong = known.iter().find(|ca| !found.contains(ca));
    let Some(ca) = wrong else { return Ok(()) };
    let what = match found.iter().find(|other| other.id == ca.id) {
        None => "lacks it",
        Some(_) => "has another in its place",
    };
    Err(bad(WHAT)(format!(
        "this database belongs to the CA number {} ({}, SHA-256 of its certificate {}), and {} {what}; start with the \
         folder that the database was used with, restored from its backup or copied from the node that has it, or with \
         an empty database",
        ca.id,
        ca.name,
        hex::encode(ca.sha256),
        dir.display()
    )))
}
