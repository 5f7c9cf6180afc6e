//! What the tests share.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::certificate::{CertificateId, Serial};
use domain::csr::PublicKey;
use domain::dcv::DcvMethod;
use domain::names::CertName;
use domain::policy::Policy;
use domain::proof::{Case, Control, Proven, WantedName, judge};
use domain::receipt::Receipt;
use domain::time::{Entropy, Time};
use issuance::ca::ceremony::{CeremonyOptions, RsaSize};
use issuance::ca::{self, Authority};
use issuance::csr;
use issuance::folder::{self, CaFolder};
use issuance::leaf::{CommonName, LeafRequest, prepare};
use issuance::lint::{Linted, Rules, lint};
use issuance::profile::{self, Profile, Purpose};
use issuance::sign::{SignedCertificate, sign};
use issuance::weak_keys::WeakKeys;

pub const BASE: &str = "http://pki.example.org";

/// Counts up: enough for tests, and never twice the same.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let digest = issuance::spki::sha256(&n.to_be_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

pub fn now() -> Time {
    Time::parse("2026-11-21T10:00:00Z").unwrap()
}

pub fn options() -> CeremonyOptions {
    CeremonyOptions {
        organization: "Example Trust".into(),
        country: "GB".parse().unwrap(),
        base_url: BASE.into(),
        sandbox: true,
        rsa: RsaSize::Rsa2048,
    }
}

/// A folder of its own, removed at the end.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("issuance-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn cas(dir: &Path) -> CaFolder {
    folder::open_or_create(dir, b"correct horse", &options(), &Counting::default(), now()).unwrap()
}

pub fn openssl(dir: &Dir, args: &[&str]) -> String {
    let out = Command::new("openssl").args(args).current_dir(&dir.0).output().unwrap();
    let text = [out.stdout, out.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(out.status.success(), "openssl {args:?}: {text}");
    text
}

pub fn profile(name: &str) -> Profile {
    let all = profile::read(profile::builtin_profiles()).unwrap();
    all.into_iter().find(|p| p.name() == name).unwrap()
}

pub fn policy() -> Policy {
    Policy::from_toml(profile::builtin_policy()).unwrap()
}

pub fn names(list: &[&str]) -> Vec<CertName> {
    list.iter().map(|n| CertName::from_stored(n).unwrap()).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for the issuing use case")]
pub fn proven(certificate: i64, list: &[CertName]) -> Proven {
    let wanted: Vec<WantedName> =
        list.iter().map(|n| WantedName { name: n.clone(), implicit: false }).collect();
    let controls: Vec<Control> = list
        .iter()
        .map(|n| Control {
            shown_for: n.dns().map_or(n.clone(), |d| CertName::Dns(d.clone())),
            method: match n {
                CertName::Dns(_) | CertName::Wildcard(_) => DcvMethod::CnameCsrHash,
                CertName::Ip(_) => DcvMethod::HttpCsrHash,
                CertName::Mail(_) => DcvMethod::Mailbox,
            },
            at: now(),
        })
        .collect();
    let case = Case {
        certificate: CertificateId(certificate),
        wanted: &wanted,
        controls: &controls,
        caa: None,
        identities: &[],
        others_passed: true,
        patient: false,
    };
    judge(&case, &policy(), now()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for the store")]
pub fn receipt_of(certificate: i64, serial: Serial, tbs_sha256: [u8; 32]) -> Receipt {
    Receipt::of_recorded(CertificateId(certificate), serial, tbs_sha256)
}

pub fn receipt(certificate: i64, linted: &Linted) -> Receipt {
    receipt_of(certificate, linted.serial(), *linted.tbs_sha256())
}

pub fn leaf_request<'a>(
    authority: &'a Authority,
    profile: &'a Profile,
    key: &'a PublicKey,
    names: &'a [CertName],
    crl_url: &'a str,
    issuer_url: &'a str,
) -> LeafRequest<'a> {
    let end = domain::policy::term_end(now(), 365);
    let validity = match profile.purpose() {
        Purpose::Server => policy().tls_validity(now(), end),
        Purpose::Mail => policy().smime_validity(now(), end),
    };
    LeafRequest {
        profile,
        ca: &authority.certificate,
        serial: Serial::from_random([0xa5; 16]).unwrap(),
        validity: validity.unwrap(),
        key,
        names,
        common_name: names.first().map(CommonName::Name),
        subject: &[],
        crl_url,
        issuer_url,
        template: None,
    }
}

/// The whole way, with everything right.
pub fn issue_with(
    authority: &Authority,
    profile: &Profile,
    key: &PublicKey,
    list: &[&str],
    subject: &[(issuance::name::Attribute, String)],
) -> SignedCertificate {
    let names = names(list);
    let slug = authority.certificate.slot.slug();
    let (crl, crt) = (ca::crl_shard_url(BASE, &slug, 0), ca::certificate_url(BASE, &slug));
    let mut request = leaf_request(authority, profile, key, &names, &crl, &crt);
    request.subject = subject;
    issue(authority, &request)
}

/// From a request to a certificate.
pub fn issue(authority: &Authority, request: &LeafRequest<'_>) -> SignedCertificate {
    let policy = policy();
    let (ca, test) = (&authority.certificate, authority.certificate.slot.test);
    let rules = Rules { profile: request.profile, ca, test, policy: &policy, now: now() };
    let linted = lint(prepare(request).unwrap(), &rules).unwrap();
    let receipt = receipt(1, &linted);
    sign(linted, &proven(1, request.names), &receipt, authority).unwrap()
}

/// A new key by `openssl genpkey`, read back from a request.
pub fn key(dir: &Dir, name: &str, algorithm: &[&str]) -> PublicKey {
    let (file, out) = (format!("{name}.key"), format!("{name}.csr"));
    let args = [&["genpkey"], algorithm, &["-out", &file]].concat();
    openssl(dir, &args);
    openssl(dir, &["req", "-new", "-key", &file, "-subj", "/CN=www.example.com", "-out", &out]);
    let text = std::fs::read_to_string(dir.0.join(out)).unwrap();
    csr::read(&text, &WeakKeys::without_lists()).unwrap().key
}

/// What pkilint says about the DER certificates (`*.crt`) of a folder: ERROR and worse by file, and for what each was taken.
pub fn pkilint(dir: &Dir) -> serde_json::Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = std::env::var_os("CHANCERY_PKILINT_PYTHON")
        .map_or_else(|| root.join("target/pkilint/bin/python"), PathBuf::from);
    let script = root.join("crates/chancery/tests/lint/lint_all.py");
    let output = Command::new(&python).arg(script).arg(&dir.0).output();
    let output =
        output.unwrap_or_else(|e| panic!("pkilint is needed (see ./test): {python:?} {e}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
