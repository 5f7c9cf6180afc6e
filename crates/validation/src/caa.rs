//! CAA record sets (RFC 8659 section 3), with a short memory for the sets of parent domains.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::evidence::{CaaEvidence, CaaRecord};
use domain::names::DnsName;
use domain::time::{HOUR, SECOND, Time};
use hickory_proto::rr::{RData, RecordType};

use crate::dns::{Dns, DnsFailure, RrSet, climb};

/// The relevant sets of several names, asked for in turn from the shortest name on: owners that several names pass on
/// their climb are asked once.
pub(crate) async fn relevant_sets(
    dns: &Dns,
    memory: &Memory,
    names: &[&DnsName],
    now: Time,
) -> Vec<CaaEvidence> {
    let mut asked = Asked::default();
    let mut order: Vec<&DnsName> = names.to_vec();
    order.sort_by_key(|name| name.as_str().len());
    let mut sets = Vec::with_capacity(names.len());
    for name in order {
        sets.push(climb_from(dns, memory, name, now, &mut asked).await);
    }
    sets
}

/// Climbs from the name to its top-level domain until a set is found.
pub(crate) async fn relevant_set(
    dns: &Dns,
    memory: &Memory,
    name: &DnsName,
    now: Time,
) -> CaaEvidence {
    climb_from(dns, memory, name, now, &mut Asked::default()).await
}

/// What was answered already on the climbs of one request.
type Asked = HashMap<DnsName, Set>;

async fn climb_from(
    dns: &Dns,
    memory: &Memory,
    name: &DnsName,
    now: Time,
    asked: &mut Asked,
) -> CaaEvidence {
    let mut evidence = CaaEvidence {
        name: name.clone(),
        found_at: None,
        records: Vec::new(),
        failed: None,
        at: now,
        usable_until: now.plus(LEAST_USE),
    };
    for owner in climb(name) {
        // The name itself is always asked afresh; what is remembered are the parents that many orders share.
        let is_parent = owner != *name;
        let recalled = || if is_parent { memory.recall(&owner, now) } else { None };
        let known = asked.get(&owner).cloned().or_else(recalled);
        let set = match known {
            Some(set) => set,
            None => match ask(dns, &owner, now).await {
                Ok(set) => {
                    if is_parent {
                        memory.keep(&owner, &set);
                    }
                    asked.insert(owner.clone(), set.clone());
                    set
                }
                Err(failure) => {
                    evidence.failed = Some(failure.0);
                    return evidence;
                }
            },
        };
        evidence.usable_until = evidence.usable_until.min(set.usable_until(true));
        if !set.records.is_empty() {
            evidence.usable_until = set.usable_until(false);
            evidence.found_at = Some(owner.to_string());
            evidence.records = set.records;
            return evidence;
        }
    }
    evidence
}

async fn ask(dns: &Dns, owner: &DnsName, now: Time) -> Result<Set, DnsFailure> {
    let found: RrSet = dns.lookup(owner.as_str(), RecordType::CAA).await?;
    let records = found
        .records
        .iter()
        .filter_map(|record| match record {
            RData::CAA(caa) => Some(CaaRecord {
                critical: caa.issuer_critical,
                tag: caa.tag.clone(),
                value: String::from_utf8_lossy(&caa.value).into_owned(),
            }),
            _ => None,
        })
        .collect::<Vec<_>>();
    if records.len() != found.records.len() {
        // A record that does not read as CAA may have forbidden issuance.
        return Err(DnsFailure(format!("{owner}: a CAA record is malformed")));
    }
    Ok(Set { records, ttl: found.ttl, at: now })
}

/// The answer for one owner name; an empty set is an answer too.
#[derive(Clone, Debug)]
struct Set {
    records: Vec<CaaRecord>,
    ttl: u32,
    at: Time,
}

impl Set {
    /// The greater of TTL and 8 hours after it was fetched (BR 4.2.2.1). That nothing was there counts 8 hours.
    fn usable_until(&self, nothing: bool) -> Time {
        let ttl = if nothing { 0 } else { i64::from(self.ttl.min(LONGEST_TTL)) * SECOND };
        self.at.plus(ttl.max(LEAST_USE))
    }
}

/// Remembered sets by owner name. Failures are never kept.
pub(crate) struct Memory {
    longest: Duration,
    sets: Mutex<HashMap<DnsName, (Instant, Set)>>,
}

impl Memory {
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, sets: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn forget(&self) {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn recall(&self, owner: &DnsName, now: Time) -> Option<Set> {
        if self.longest.is_zero() {
            return None;
        }
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, set) = sets.get(owner)?;
        let business = now >= set.at && now <= set.usable_until(set.records.is_empty());
        (business && Instant::now() < *until).then(|| set.clone())
    }

    fn keep(&self, owner: &DnsName, set: &Set) {
        let time = self.longest.min(Duration::from_secs(u64::from(set.ttl)));
        if time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MOST_SETS {
            sets.retain(|_, (until, _)| *until > now);
        }
        if sets.len() >= MOST_SETS {
            sets.clear();
        }
        sets.insert(owner.clone(), (now + time, set.clone()));
    }
}

const LEAST_USE: i64 = 8 * HOUR;
/// A week: longer TTLs are mistakes (RFC 8767 section 4).
const LONGEST_TTL: u32 = 604_800;
const MOST_SETS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::new(Duration::from_secs(600));
        let set = Set { records: Vec::new(), ttl: 300, at: Time::from_secs(0) };
        for i in 0..MOST_SETS + 10 {
            memory.keep(&format!("d{i}.example").parse().unwrap(), &set);
        }
        assert!(memory.sets.lock().unwrap().len() <= MOST_SETS);
        let last = format!("d{}.example", MOST_SETS + 9).parse().unwrap();
        assert!(memory.recall(&last, Time::from_secs(0)).is_some());
        assert!(memory.recall(&last, Time::from_secs(-1)).is_none());
        memory.forget();
        assert!(memory.recall(&last, Time::from_secs(0)).is_none());
    }
}
