//! The folder of CAs: the one place in this crate that touches the disk.
//!
//! ```text
//! DIR/master.key              the master secret under the operator's passphrase (crate::keys)
//! DIR/ca/index.toml           which CAs there are
//! DIR/ca/<name>.crt.pem       their certificates
//! DIR/ca/<name>.key.pem       their keys, encrypted
//! ```
//! Every file is written beside its place, synced and renamed; the index is written last, so that an interrupted start
//! leaves either the old folder or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use domain::certificate::CaId;
use domain::time::{Entropy, Time};
use pkcs8::der::Document;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ca::ceremony::{self, CeremonyError, CeremonyOptions, Issuer};
use crate::ca::{Authority, CaCertificate, CaRole, CaSlot, NotACa};
use crate::collect;
use crate::keys::{KeysError, MasterSecret};
use crate::profile::{Hierarchy, ValidationKind};
use crate::signer::{CaSigner, CannotSign, SoftwareKey};

/// Why a folder could not be opened or completed.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk.
    #[error("{0}: {1}")]
    Disk(PathBuf, io::Error),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The making of a CA.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// A file that is not what it should be.
    #[error("{0}: {1}")]
    File(PathBuf, &'static str),
}

/// The CAs of a folder, with their keys.
pub struct CaFolder {
    authorities: Vec<Authority>,
}

impl CaFolder {
    /// All of them, by number.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// By number.
    #[must_use]
    pub fn by_id(&self, id: CaId) -> Option<&Authority> {
        self.authorities.iter().find(|a| a.certificate.id == id)
    }

    /// By place in the plan.
    #[must_use]
    pub fn at(&self, slot: CaSlot) -> Option<&Authority> {
        self.authorities.iter().find(|a| a.certificate.slot == slot)
    }

    /// Who signs a leaf of this kind; `rsa` says whether the subscriber's key is RSA.
    #[must_use]
    pub fn issuer_of(
        &self,
        hierarchy: Hierarchy,
        kind: ValidationKind,
        rsa: bool,
        test: bool,
    ) -> Option<&Authority> {
        self.at(CaSlot { hierarchy, test, role: CaRole::Issuing { kind, rsa } })
    }

    /// The certificates above a leaf, its issuer first, the root last.
    #[must_use]
    pub fn chain(&self, issuer: CaId) -> Vec<&CaCertificate> {
        let Some(first) = self.by_id(issuer) else { return Vec::new() };
        let slot = first.certificate.slot;
        let root = self.at(slot.root()).filter(|_| slot.role != CaRole::Root);
        [Some(first), root].into_iter().flatten().map(|a| &a.certificate).collect()
    }

    /// The roots as PEM: live or test.
    #[must_use]
    pub fn roots_pem(&self, test: bool) -> String {
        let roots = self.authorities.iter().map(|a| &a.certificate);
        let wanted = roots.filter(|c| c.slot.role == CaRole::Root && c.slot.test == test);
        wanted.map(|c| collect::pem("CERTIFICATE", &c.der)).collect()
    }
}

/// The certificates of a folder; needs no passphrase. Empty where there is no folder yet.
///
/// # Errors
/// [`FolderError`].
pub fn certificates(dir: &Path) -> Result<Vec<CaCertificate>, FolderError> {
    let ca_dir = dir.join("ca");
    let rows = read_index(&ca_dir)?;
    rows.into_iter().map(|(id, slot)| read_certificate(&ca_dir, id, slot)).collect()
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    ca: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: i64,
    name: String,
    /// `root` or `issuing`.
    role: String,
    /// `public`, `private` or `mail`.
    hierarchy: String,
    /// `dv` and so on; none for roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// `live` or `test`.
    stage: String,
}

impl Row {
    fn of(certificate: &CaCertificate) -> Self {
        let slot = certificate.slot;
        let (role, kind) = match slot.role {
            CaRole::Root => ("root", None),
            CaRole::Issuing { kind, .. } => ("issuing", Some(kind.as_str().to_owned())),
        };
        Self {
            id: certificate.id.0,
            name: slot.slug(),
            role: role.into(),
            hierarchy: slot.hierarchy.as_str().into(),
            kind,
            stage: if slot.test { "test" } else { "live" }.into(),
        }
    }
}

/// Opens a folder; makes it, or the CAs that an older one lacks.
///
/// # Errors
/// [`FolderError`].
pub fn open_or_create(
    dir: &Path,
    passphrase: &[u8],
    options: &CeremonyOptions,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<CaFolder, FolderError> {
    let ca_dir = dir.join("ca");
    make_dir(&ca_dir)?;
    let master = master(dir, passphrase, entropy)?;
    let mut folder = open(&ca_dir, &master)?;
    let missing: Vec<CaSlot> =
        CaSlot::plan().into_iter().filter(|slot| folder.at(*slot).is_none()).collect();
    if missing.is_empty() {
        return Ok(folder);
    }
    begin(&ca_dir, &missing)?;
    for (slot, key) in missing.iter().zip(generate(&missing, options)) {
        let (signer, pkcs8) = key.map_err(CeremonyError::from)?;
        let certificate = make(&folder, *slot, &signer, options, entropy, now)?;
        let name = slot.slug();
        let pem = master.encrypt_key(&pkcs8, entropy)?;
        write(&ca_dir.join(format!("{name}.key.pem")), pem.as_bytes())?;
        let pem = collect::pem("CERTIFICATE", &certificate.der);
        write(&ca_dir.join(format!("{name}.crt.pem")), pem.as_bytes())?;
        let authority =
            Authority::new(certificate, Box::new(signer)).map_err(CeremonyError::from)?;
        folder.authorities.push(authority);
    }
    sync_dir(&ca_dir)?;
    write_index(&ca_dir, &folder)?;
    fs::remove_file(ca_dir.join(MAKING)).map_err(disk(&ca_dir))?;
    Ok(folder)
}

/// Stands in the folder while keys are made that the index does not name yet. What a ceremony that was interrupted left behind
/// has signed nothing and may be written over; no other key ever is.
const MAKING: &str = "making";

fn begin(ca_dir: &Path, missing: &[CaSlot]) -> Result<(), FolderError> {
    let marker = ca_dir.join(MAKING);
    if read(&marker)?.is_some() {
        return Ok(());
    }
    for (slot, ending) in missing.iter().flat_map(|slot| [(slot, "key"), (slot, "crt")]) {
        let path = ca_dir.join(format!("{}.{ending}.pem", slot.slug()));
        if path.exists() {
            let why = "is there, and index.toml does not name it; restore the index: no CA is made in place of another";
            return Err(FolderError::File(path, why));
        }
    }
    write(&marker, b"Keys are being made.\n")?;
    sync_dir(ca_dir)
}

fn master(
    dir: &Path,
    passphrase: &[u8],
    entropy: &dyn Entropy,
) -> Result<MasterSecret, FolderError> {
    let path = dir.join("master.key");
    if let Some(text) = read(&path)? {
        return Ok(MasterSecret::open(&text, passphrase)?);
    }
    let orphans = read(&dir.join("ca").join("index.toml"))?.is_some();
    if orphans {
        return Err(FolderError::File(path, "missing, though the folder has keys"));
    }
    let master = MasterSecret::generate(entropy);
    write(&path, master.seal(passphrase, entropy)?.as_bytes())?;
    sync_dir(dir)?;
    Ok(master)
}

fn open(ca_dir: &Path, master: &MasterSecret) -> Result<CaFolder, FolderError> {
    let rows = read_index(ca_dir)?.into_iter();
    let authorities = rows.map(|(id, slot)| open_one(ca_dir, id, slot, master));
    Ok(CaFolder { authorities: authorities.collect::<Result<_, _>>()? })
}

fn read_index(ca_dir: &Path) -> Result<Vec<(CaId, CaSlot)>, FolderError> {
    let path = ca_dir.join("index.toml");
    let index: Index = match read(&path)? {
        Some(text) => toml::from_str(&text)
            .map_err(|_| FolderError::File(path.clone(), "not an index of CAs"))?,
        None => Index::default(),
    };
    let plan = CaSlot::plan();
    let place = |row: &Row| {
        let slot = plan.iter().find(|slot| slot.slug() == row.name);
        let slot = slot.ok_or(FolderError::File(path.clone(), "names an unknown CA"))?;
        Ok((CaId(row.id), *slot))
    };
    index.ca.iter().map(place).collect()
}

fn load(ca_dir: &Path, slot: CaSlot, ending: &str) -> Result<(PathBuf, String), FolderError> {
    let path = ca_dir.join(format!("{}.{ending}.pem", slot.slug()));
    let text = read(&path)?.ok_or(FolderError::File(path.clone(), "missing"))?;
    Ok((path, text))
}

fn read_certificate(ca_dir: &Path, id: CaId, slot: CaSlot) -> Result<CaCertificate, FolderError> {
    let (path, text) = load(ca_dir, slot, "crt")?;
    let (_, der) = Document::from_pem(&text)
        .map_err(|_| FolderError::File(path.clone(), "not a certificate"))?;
    CaCertificate::read(id, slot, der.as_bytes().to_vec())
        .map_err(|NotACa| FolderError::File(path, "not a CA certificate"))
}

fn open_one(
    ca_dir: &Path,
    id: CaId,
    slot: CaSlot,
    master: &MasterSecret,
) -> Result<Authority, FolderError> {
    let certificate = read_certificate(ca_dir, id, slot)?;
    let (path, text) = load(ca_dir, slot, "key")?;
    let pkcs8 = master.decrypt_key(&text)?;
    let signer = SoftwareKey::from_pkcs8(&pkcs8)
        .map_err(|CannotSign| FolderError::File(path.clone(), "not a key that can sign"))?;
    Authority::new(certificate, Box::new(signer))
        .map_err(|NotACa| FolderError::File(path, "not the key of its certificate"))
}

type NewKey = Result<(SoftwareKey, Zeroizing<Vec<u8>>), CannotSign>;

/// New keys, made on all processors: RSA takes its time.
fn generate(slots: &[CaSlot], options: &CeremonyOptions) -> Vec<NewKey> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(slots.len());
    let mut made: Vec<(usize, NewKey)> = std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(slot) = slots.get(index) else { return mine };
                mine.push((index, SoftwareKey::generate(options.key_choice(*slot))));
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|h| h.join().unwrap_or_default()).collect()
    });
    made.sort_by_key(|(index, _)| *index);
    let mut keys: Vec<NewKey> = made.into_iter().map(|(_, key)| key).collect();
    keys.resize_with(slots.len(), || Err(CannotSign));
    keys
}

fn make(
    folder: &CaFolder,
    slot: CaSlot,
    signer: &SoftwareKey,
    options: &CeremonyOptions,
    entropy: &dyn Entropy,
    now: Time,
) -> Result<CaCertificate, CeremonyError> {
    let last = folder.authorities.iter().map(|a| a.certificate.id.0).max().unwrap_or(0);
    let id = CaId(last + 1);
    if slot.role == CaRole::Root {
        return ceremony::root(id, slot, signer, options, entropy, now);
    }
    let root = folder.at(slot.root()).ok_or(CeremonyError::Result(NotACa))?;
    let issuer = Issuer { certificate: &root.certificate, signer: root.signer.as_ref() };
    ceremony::issuing(id, slot, signer.spki(), &issuer, options, entropy, now)
}

fn write_index(ca_dir: &Path, folder: &CaFolder) -> Result<(), FolderError> {
    let path = ca_dir.join("index.toml");
    let rows = folder.authorities.iter().map(|a| Row::of(&a.certificate)).collect();
    let text = toml::to_string(&Index { ca: rows })
        .map_err(|_| FolderError::File(path.clone(), "cannot be written"))?;
    write(&path, text.as_bytes())?;
    sync_dir(ca_dir)
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |error| FolderError::Disk(path, error)
}

fn read(path: &Path) -> Result<Option<String>, FolderError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FolderError::Disk(path.to_path_buf(), error)),
    }
}

/// Writes beside the place, syncs, renames. Only the owner may read.
fn write(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside).map_err(disk(&beside))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(disk(&beside))?;
    fs::rename(&beside, path).map_err(disk(path))
}

fn make_dir(dir: &Path) -> Result<(), FolderError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(disk(dir))
}

fn sync_dir(dir: &Path) -> Result<(), FolderError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(disk(dir))
}
