//! What the fake web serves.

use std::{
    collections::HashMap,
    net::Ipv6Addr,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

use bytes::Bytes;
use serde::Deserialize;

/// Which of the two servers has a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schemes {
    /// Only the plain one.
    Http,
    /// Only the one with TLS.
    Https,
    /// Both.
    #[default]
    Both,
}

/// A file, or a redirection when it has a location and a 3xx status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The body.
    pub content: Bytes,
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
}

/// The files would take more than 512 MB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the fake web is full (512 MB); delete files or reset the sandbox")]
pub struct Full;

/// The files, by scheme, host and path.
#[derive(Debug, Default)]
pub struct Files(RwLock<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    files: HashMap<Key, File>,
    bytes: usize,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    https: bool,
    host: String,
    path: String,
}

impl Files {
    /// Serves `file` at `path` of `host`, in the place of what was there.
    pub fn add(&self, schemes: Schemes, host: &str, path: &str, file: &File) -> Result<(), Full> {
        let mut shelf = self.write();
        for key in keys(schemes, host, path) {
            shelf.remove(&key);
            let bytes = shelf.bytes.saturating_add(size(&key, file));
            if bytes > MAX_BYTES {
                return Err(Full);
            }
            shelf.bytes = bytes;
            shelf.files.insert(key, file.clone());
        }
        Ok(())
    }

    /// Takes a file away; `false` if there was none.
    pub fn remove(&self, schemes: Schemes, host: &str, path: &str) -> bool {
        let mut shelf = self.write();
        let removed = keys(schemes, host, path).filter(|key| shelf.remove(key)).count();
        removed > 0
    }

    pub(super) fn get(&self, https: bool, host: &str, path: &str) -> Option<File> {
        let key = Key { https, host: host.to_owned(), path: path.to_owned() };
        self.0.read().unwrap_or_else(PoisonError::into_inner).files.get(&key).cloned()
    }

    pub(crate) fn reset(&self) {
        *self.write() = Shelf::default();
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn remove(&mut self, key: &Key) -> bool {
        let Some(file) = self.files.remove(key) else { return false };
        self.bytes = self.bytes.saturating_sub(size(key, &file));
        true
    }
}

/// A host as files are filed under: lower case, no trailing dot.
pub(super) fn host_key(host: &str) -> String {
    match host.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

fn keys(schemes: Schemes, host: &str, path: &str) -> impl Iterator<Item = Key> {
    let (host, path) = (host_key(host), path.to_owned());
    [false, true]
        .into_iter()
        .filter(move |https| match schemes {
            Schemes::Http => !https,
            Schemes::Https => *https,
            Schemes::Both => true,
        })
        .map(move |https| Key { https, host: host.clone(), path: path.clone() })
}

fn size(key: &Key, file: &File) -> usize {
    file.content.len() + key.host.len() + key.path.len() + 200
}

const MAX_BYTES: usize = 512 << 20;
