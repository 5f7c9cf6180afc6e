//! Aliases, a million of them without waste: one allocation each, and one machine word pair in
//! the table.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::name::{self, NameError};

/// One alias: the length of the key, the key, the target's text.
#[derive(Debug)]
pub(super) struct Entry(Box<[u8]>);

#[derive(Debug, Default)]
pub(super) struct Cnames {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

impl Entry {
    fn key(&self) -> &[u8] {
        self.split().0
    }

    fn split(&self) -> (&[u8], &[u8]) {
        let Some((length, rest)) = self.0.split_first() else { return (&[], &[]) };
        rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]))
    }
}

impl Cnames {
    pub(super) fn insert(&mut self, entry: Entry) {
        let hash = self.hasher.hash_one(entry.key());
        let Self { table, hasher } = self;
        match table.find_mut(hash, |old| old.key() == entry.key()) {
            Some(old) => *old = entry,
            None => {
                table.insert_unique(hash, entry, |entry| hasher.hash_one(entry.key()));
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let key = key.as_bytes();
        let entry = self.table.find(self.hasher.hash_one(key), |entry| entry.key() == key)?;
        std::str::from_utf8(entry.split().1).ok()
    }

    pub(super) fn remove(&mut self, key: &str) {
        let key = key.as_bytes();
        let hash = self.hasher.hash_one(key);
        if let Ok(found) = self.table.find_entry(hash, |entry| entry.key() == key) {
            found.remove();
        }
    }
}

/// Checks both names and packs them.
pub(super) fn entry(host: &str, target: &str) -> Result<Entry, NameError> {
    let key = name::host(host)?;
    let target = name::parse(target)?.to_ascii();
    let length = u8::try_from(key.len()).map_err(|_| NameError::Long("host"))?;
    let mut packed = Vec::with_capacity(1 + key.len() + target.len());
    packed.push(length);
    packed.extend_from_slice(key.as_bytes());
    packed.extend_from_slice(target.as_bytes());
    Ok(Entry(packed.into_boxed_slice()))
}
