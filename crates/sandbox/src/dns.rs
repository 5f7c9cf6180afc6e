//! The fake DNS: what each name answers, and the servers that say so.

mod answer;
mod cnames;
mod name;
mod tcp;
mod udp;
mod zone;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

pub use name::NameError;
pub use zone::Caa;

pub(crate) use name::host;
pub(crate) use tcp::serve as serve_tcp;
pub(crate) use udp::Threads;
use zone::{Records, Zone};

/// The names and their records. A name that nobody has told about has the default address; one
/// with an address of its own, of either family, has only its own.
///
/// Names are taken in any case, with or without a trailing dot.
#[derive(Debug)]
pub struct Dns {
    zone: RwLock<Zone>,
    ttl: u32,
}

impl Dns {
    pub(crate) fn new(ttl: u32) -> Self {
        Self { zone: RwLock::default(), ttl }
    }

    /// The IPv4 address of names without an address of their own; `None` for none.
    pub fn set_default_ipv4(&self, address: Option<Ipv4Addr>) {
        self.write().default_v4 = address;
    }

    /// The IPv6 address of names without an address of their own; `None` (at first) for none.
    pub fn set_default_ipv6(&self, address: Option<Ipv6Addr>) {
        self.write().default_v6 = address;
    }

    /// Adds IPv4 addresses.
    pub fn add_a(&self, host: &str, addresses: &[Ipv4Addr]) -> Result<(), NameError> {
        self.change(host, |records| add(&mut records.a, addresses.iter().copied()))
    }

    /// Drops the IPv4 addresses added.
    pub fn clear_a(&self, host: &str) -> Result<(), NameError> {
        self.change(host, |records| records.a.clear())
    }

    /// Adds IPv6 addresses.
    pub fn add_aaaa(&self, host: &str, addresses: &[Ipv6Addr]) -> Result<(), NameError> {
        self.change(host, |records| add(&mut records.aaaa, addresses.iter().copied()))
    }

    /// Drops the IPv6 addresses added.
    pub fn clear_aaaa(&self, host: &str) -> Result<(), NameError> {
        self.change(host, |records| records.aaaa.clear())
    }

    /// Adds CAA records.
    pub fn add_caa(&self, host: &str, policies: &[Caa]) -> Result<(), NameError> {
        let policies = policies.iter().map(Caa::encode).collect::<Result<Vec<_>, _>>()?;
        self.change(host, |records| add(&mut records.caa, policies))
    }

    /// Drops the CAA records.
    pub fn clear_caa(&self, host: &str) -> Result<(), NameError> {
        self.change(host, |records| records.caa.clear())
    }

    /// Adds a TXT value beside those the name has already.
    pub fn set_txt(&self, host: &str, value: &str) -> Result<(), NameError> {
        if value.len() > MAX_TXT {
            return Err(NameError::Long("value"));
        }
        self.change(host, |records| add(&mut records.txt, [value.as_bytes().into()]))
    }

    /// Drops the TXT values.
    pub fn clear_txt(&self, host: &str) -> Result<(), NameError> {
        self.change(host, |records| records.txt.clear())
    }

    /// Makes the name an alias, whatever else it has; the last target wins.
    pub fn set_cname(&self, host: &str, target: &str) -> Result<(), NameError> {
        let entry = cnames::entry(host, target)?;
        self.write().cnames.insert(entry);
        Ok(())
    }

    /// Many aliases at once; none is made if one is wrong, and the error says which.
    pub fn set_cnames<'a>(
        &self,
        aliases: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<usize, (usize, NameError)> {
        let mut entries = Vec::new();
        for (index, (host, target)) in aliases.into_iter().enumerate() {
            entries.push(cnames::entry(host, target).map_err(|error| (index, error))?);
        }
        let count = entries.len();
        let mut entries = entries.into_iter().peekable();
        // In small bites, so that questions are answered meanwhile.
        while entries.peek().is_some() {
            let mut zone = self.write();
            entries.by_ref().take(BITE).for_each(|entry| zone.cnames.insert(entry));
        }
        Ok(count)
    }

    /// Makes the name no alias any more.
    pub fn clear_cname(&self, host: &str) -> Result<(), NameError> {
        let key = name::host(host)?;
        self.write().cnames.remove(&key);
        Ok(())
    }

    /// Lets every question about the name fail (`true`), or no more.
    pub fn set_servfail(&self, host: &str, fail: bool) -> Result<(), NameError> {
        self.change(host, |records| records.servfail = fail)
    }

    pub(crate) fn reset(&self) {
        let old = std::mem::take(&mut *self.write());
        drop(old); // outside the lock: a million names take a while
    }

    fn change(&self, host: &str, change: impl FnOnce(&mut Records)) -> Result<(), NameError> {
        let key = name::host(host)?;
        let mut zone = self.write();
        let records = zone.names.entry(key.as_str().into()).or_default();
        change(records);
        if records.is_empty() {
            zone.names.remove(key.as_str());
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Zone> {
        self.zone.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Zone> {
        self.zone.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add<T: PartialEq>(to: &mut Vec<T>, values: impl IntoIterator<Item = T>) {
    for value in values {
        if !to.contains(&value) {
            to.push(value);
        }
    }
}

const BITE: usize = 512;
const MAX_TXT: usize = 16 * 1024;
