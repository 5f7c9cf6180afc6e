//! CAA record sets (RFC 8659 section 3), with a short memory for the sets of parent domains.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::evidence::{CaaEvidence, CaaRecord};
use domain::names::DnsName;
use domain::time::{HOUR, SECOND, Time};
use futures_util::StreamExt as _;
use hickory_proto::rr::{RData, RecordType};

use crate::dns::{Dns, DnsFailure, RrSet, readable};

/// The relevant sets of several names, shortest first. All climb together, a step at a time; owners that several names pass
/// are asked once.
pub(crate) async fn relevant_sets(
    dns: &Dns,
    memory: &Memory,
    names: &[&DnsName],
    now: Time,
) -> Vec<CaaEvidence> {
    let mut order: Vec<&DnsName> = names.to_vec();
    order.sort_by_key(|name| name.as_str().len());
    let mut climbs: Vec<Climb<'_>> = order.into_iter().map(|name| Climb::new(name, now)).collect();
    let mut asked = Asked::new();
    while climbs.iter().any(|climb| climb.at.is_some()) {
        // The names themselves are always asked afresh; what is remembered are the parents that many orders share.
        let recall = |climb: &Climb<'_>, owner: &DnsName| {
            if owner == climb.name { None } else { memory.recall(owner, now) }
        };
        let mut new: HashSet<DnsName> = HashSet::new();
        for climb in &climbs {
            let Some(owner) = climb.at.as_ref().filter(|owner| !asked.contains_key(*owner)) else {
                continue;
            };
            match recall(climb, owner) {
                Some(set) => drop(asked.insert(owner.clone(), Ok(set))),
                None => drop(new.insert(owner.clone())),
            }
        }
        let answers = futures_util::stream::iter(new).map(|owner| async move {
            let answer = ask(dns, &owner, now).await;
            (owner, answer)
        });
        for (owner, answer) in answers.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await {
            let is_parent = |c: &Climb<'_>| c.at.as_ref() == Some(&owner) && *c.name != owner;
            if let Ok(set) = &answer
                && climbs.iter().any(is_parent)
            {
                memory.keep(&owner, set);
            }
            asked.insert(owner, answer);
        }
        for climb in &mut climbs {
            climb.step(&asked);
        }
    }
    let answered = |evidence: CaaEvidence| match evidence.failed {
        Some(_) => CaaEvidence { via: dns.via.to_string(), ..evidence },
        None => evidence,
    };
    climbs.into_iter().map(|climb| answered(climb.evidence)).collect()
}

/// Climbs from the name to its top-level domain until a set is found.
pub(crate) async fn relevant_set(
    dns: &Dns,
    memory: &Memory,
    name: &DnsName,
    now: Time,
) -> CaaEvidence {
    let found = relevant_sets(dns, memory, &[name], now).await.pop();
    found.unwrap_or_else(|| CaaEvidence {
        failed: Some("not asked".to_owned()),
        ..Climb::new(name, now).evidence
    })
}

/// What was answered already on the climbs of one request.
type Asked = HashMap<DnsName, Result<Set, DnsFailure>>;

/// A name on its way up.
struct Climb<'a> {
    name: &'a DnsName,
    /// Whose set is wanted next; None at the end.
    at: Option<DnsName>,
    evidence: CaaEvidence,
}

impl<'a> Climb<'a> {
    fn new(name: &'a DnsName, now: Time) -> Self {
        let evidence = CaaEvidence {
            name: name.clone(),
            found_at: None,
            records: Vec::new(),
            failed: None,
            via: String::new(),
            at: now,
            usable_until: now.plus(LEAST_USE),
        };
        Self { name, at: Some(name.clone()), evidence }
    }

    /// Takes the answer for the place where it is, and goes on to the parent if nothing was there.
    fn step(&mut self, asked: &Asked) {
        let Some(owner) = self.at.take() else { return };
        let evidence = &mut self.evidence;
        match asked.get(&owner) {
            None => evidence.failed = Some("not asked".to_owned()),
            Some(Err(failure)) => evidence.failed = Some(failure.0.clone()),
            Some(Ok(set)) => {
                evidence.via.clone_from(&set.via);
                if set.records.is_empty() {
                    evidence.usable_until = evidence.usable_until.min(set.usable_until(true));
                    self.at = owner.parent();
                } else {
                    evidence.usable_until = set.usable_until(false);
                    evidence.found_at = Some(owner.to_string());
                    evidence.records.clone_from(&set.records);
                }
            }
        }
    }
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
                value: readable(&caa.value),
            }),
            _ => None,
        })
        .collect::<Vec<_>>();
    if records.len() != found.records.len() {
        // A record that does not read as CAA may have forbidden issuance.
        return Err(DnsFailure(format!("{owner}: a CAA record is malformed")));
    }
    Ok(Set { records, ttl: found.ttl, via: dns.via(&found), at: now })
}

/// The answer for one owner name; an empty set is an answer too.
#[derive(Clone, Debug)]
struct Set {
    records: Vec<CaaRecord>,
    ttl: u32,
    via: String,
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

/// Owners of one request that are asked at a time.
const AT_A_TIME: usize = 32;
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
        let at = Time::from_secs(0);
        let set = Set { records: Vec::new(), ttl: 300, via: String::new(), at };
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
