//! Outside tools that judge what came out: `openssl`, Python, pkilint; and a reader of DER for what tests look at.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A new folder that is gone when this is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("chancery-tools-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `openssl`; standard output and error together, and whether it was content.
pub fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(arguments)
        .output()
        .expect("openssl (apt-get install openssl)");
    both(&output)
}

/// Runs `openssl`, which must be content.
#[track_caller]
pub fn openssl_ok(arguments: &[&str]) -> String {
    let (fine, text) = openssl(arguments);
    assert!(fine, "openssl {}: {text}", arguments.join(" "));
    text
}

/// Runs a Python program with arguments, which must be content.
#[track_caller]
pub fn python(program: &str, arguments: &[&str]) -> String {
    let output = Command::new("python3")
        .args(["-c", program])
        .args(arguments)
        .output()
        .expect("python3 (apt-get install python3)");
    let (fine, text) = both(&output);
    assert!(fine, "python3: {text}");
    text
}

fn both(output: &Output) -> (bool, String) {
    let text = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
    (output.status.success(), text.concat())
}

/// What pkilint says about a folder: see `tests/lint/lint_all.py`.
pub fn pkilint(folder: &Path) -> serde_json::Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("CHANCERY_PKILINT_PYTHON")
        .map_or_else(|| root.join("../../target/pkilint/bin/python"), PathBuf::from);
    let how = "pkilint is needed: python3 -m venv target/pkilint && \
               target/pkilint/bin/pip install pkilint==0.13.3 \
               (or say by CHANCERY_PKILINT_PYTHON which interpreter has it)";
    assert!(python.exists(), "{} is not there. {how}", python.display());
    let output = Command::new(&python)
        .arg(root.join("tests/lint/lint_all.py"))
        .arg(folder)
        .output()
        .expect("python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\n{how}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// PEM of a certificate.
pub fn pem(label: &str, der: &[u8]) -> String {
    let base64 = crate::kit::base64(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Base64 without blanks to bytes.
#[track_caller]
pub fn unbase64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    assert_eq!(text.len() % 4, 0, "bare Base64: {text:?}");
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut word = 0u32;
        for letter in chunk {
            let value = LETTERS.iter().position(|l| l == letter).expect("bare Base64");
            word = word << 6 | u32::try_from(value).expect("small");
        }
        word <<= 6 * (4 - chunk.len());
        out.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    out
}

/// The elements of a constructed DER value, each with its header.
pub fn children(der: &[u8]) -> Vec<&[u8]> {
    let mut rest = content(der);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (head, length) = header(rest);
        let (one, more) = rest.split_at(head + length);
        found.push(one);
        rest = more;
    }
    found
}

/// The content of a DER value.
pub fn content(der: &[u8]) -> &[u8] {
    let (head, length) = header(der);
    &der[head..head + length]
}

fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short if short < 0x80 => (2, usize::from(short)),
        long => {
            let octets = usize::from(long & 0x7f);
            let length = der[2..2 + octets].iter().fold(0, |l, b| l << 8 | usize::from(*b));
            (2 + octets, length)
        }
    }
}

/// The public key of a certificate, as SubjectPublicKeyInfo.
pub fn key_of_certificate(der: &[u8]) -> Vec<u8> {
    children(children(der)[0])[6].to_vec()
}

/// The public key of a request.
pub fn key_of_request(der: &[u8]) -> Vec<u8> {
    children(children(der)[0])[2].to_vec()
}

/// The serial number, in upper case hex as `openssl` prints it.
pub fn serial(certificate: &[u8]) -> String {
    let octets = content(children(children(certificate)[0])[1]);
    let octets = if octets[0] == 0 { &octets[1..] } else { octets };
    hex::encode_upper(octets)
}

/// The http addresses in a certificate's extensions, in order: the CRL's and the issuer's.
pub fn urls(certificate: &[u8]) -> Vec<String> {
    let extensions = children(children(certificate)[0]).into_iter().rfind(|e| e[0] == 0xa3);
    let bytes = extensions.expect("extensions");
    let mut found = Vec::new();
    for at in 0..bytes.len() - 7 {
        // [6] uniformResourceIdentifier, a length, the text.
        if bytes[at] == 0x86 && bytes[at + 2..].starts_with(b"http") {
            let end = at + 2 + usize::from(bytes[at + 1]);
            found.push(String::from_utf8_lossy(&bytes[at + 2..end]).into_owned());
        }
    }
    found
}
