//! Passwords and passphrases: from a file descriptor, a file, or a terminal without echo; never from the command line.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, bail, ensure};
use zeroize::Zeroizing;

/// Descriptors that were open when the program began.
static INHERITED: OnceLock<Vec<u32>> = OnceLock::new();

/// Notes which descriptors the program was given, before it opens any of its own: only these may hold a secret.
pub fn note_inherited() {
    let names = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let found: Vec<u32> = names.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    // The look itself had one open, which is gone.
    let open = |fd: &u32| std::fs::symlink_metadata(format!("/dev/fd/{fd}")).is_ok();
    INHERITED.get_or_init(|| found.into_iter().filter(open).collect());
}

/// Everything that can be read from an open file descriptor, without the end of its line.
pub fn from_fd(fd: u32) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let inherited = INHERITED.get().is_some_and(|open| open.contains(&fd));
    ensure!(inherited, "file descriptor {fd} is not open; open it like {fd}<FILE");
    from_file(Path::new(&format!("/dev/fd/{fd}")))
        .with_context(|| format!("file descriptor {fd} cannot be read"))
}

fn from_file(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(std::fs::read(path)?);
    while matches!(secret.last(), Some(b'\n' | b'\r')) {
        secret.pop();
    }
    ensure!(!secret.is_empty(), "{} is empty", path.display());
    Ok(secret)
}

/// The passphrase of the CA keys: `--passphrase-fd`, the systemd credential `ca-passphrase`, the file that
/// `CHANCERY_PASSPHRASE_FILE` names, or the terminal.
pub fn passphrase(fd: Option<u32>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if let Some(secret) = given_passphrase(fd)? {
        return Ok(secret);
    }
    Ok(Zeroizing::new(ask("Passphrase of the CA keys: ")?.as_bytes().to_vec()))
}

/// The same for keys that are about to be made: a terminal is asked twice.
pub fn new_passphrase(fd: Option<u32>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let secret = match given_passphrase(fd)? {
        Some(secret) => secret,
        None => Zeroizing::new(ask_twice("New passphrase of the CA keys: ")?.as_bytes().to_vec()),
    };
    ensure!(secret.len() >= 8, "the passphrase must have at least 8 characters");
    Ok(secret)
}

fn given_passphrase(fd: Option<u32>) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
    if let Some(fd) = fd {
        return from_fd(fd).map(Some);
    }
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let path = Path::new(&folder).join("ca-passphrase");
        if path.exists() {
            return from_file(&path).map(Some).with_context(|| path.display().to_string());
        }
    }
    match std::env::var_os("CHANCERY_PASSPHRASE_FILE") {
        Some(path) => {
            let path = Path::new(&path);
            let what = || format!("CHANCERY_PASSPHRASE_FILE, {}", path.display());
            from_file(path).map(Some).with_context(what)
        }
        None => Ok(None),
    }
}

/// The password of an account, if one is given: by descriptor or, when asked for, at the terminal. None: make one.
pub fn password(fd: Option<u32>, prompt: bool) -> anyhow::Result<Option<Zeroizing<String>>> {
    if let Some(fd) = fd {
        let bytes = from_fd(fd)?;
        let text = std::str::from_utf8(&bytes).context("the password is not UTF-8")?;
        return Ok(Some(Zeroizing::new(text.to_owned())));
    }
    if prompt { ask_twice("New password: ").map(Some) } else { Ok(None) }
}

fn ask_twice(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let first = ask(prompt)?;
    let second = ask("Again: ")?;
    ensure!(*first == *second, "the two are not the same; nothing was done");
    Ok(first)
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask for a secret; give it with a file descriptor, like --password-fd 3 3<FILE \
             or --passphrase-fd 3 3<FILE; the passphrase also as the systemd credential ca-passphrase or in the file \
             that CHANCERY_PASSPHRASE_FILE names"
        );
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}
