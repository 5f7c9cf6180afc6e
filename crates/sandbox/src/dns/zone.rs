//! What is known, and how a question is answered from it.

use std::net::{Ipv4Addr, Ipv6Addr};

use hashbrown::HashMap;
use hickory_proto::{
    op::ResponseCode,
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, NULL, TXT},
    },
};
use serde::Deserialize;

use super::{
    cnames::Cnames,
    name::{self, NameError},
};
use crate::sockets::FAKE_ADDRESS;

/// One CAA record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caa {
    /// `issue`, `issuewild`, `issuemail`, `iodef` or any other tag.
    pub tag: String,
    /// The value as it is in the zone file, without quotes.
    pub value: String,
    /// Whether the critical flag is set.
    #[serde(default)]
    pub critical: bool,
}

#[derive(Debug)]
pub(super) struct Zone {
    pub(super) names: HashMap<Box<str>, Box<Records>>,
    pub(super) cnames: Cnames,
    pub(super) default_v4: Option<Ipv4Addr>,
    pub(super) default_v6: Option<Ipv6Addr>,
}

#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) a: Vec<Ipv4Addr>,
    pub(super) aaaa: Vec<Ipv6Addr>,
    pub(super) txt: Vec<Box<[u8]>>,
    pub(super) caa: Vec<Box<[u8]>>,
    pub(super) servfail: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self {
            names: HashMap::default(),
            cnames: Cnames::default(),
            default_v4: Some(FAKE_ADDRESS),
            default_v6: None,
        }
    }
}

impl Zone {
    /// The answers to a question about `name`, following aliases within the zone. Every name
    /// exists: what it lacks is an empty answer, never NXDOMAIN.
    pub(super) fn answer(
        &self,
        name: &Name,
        key: &str,
        asked: RecordType,
        ttl: u32,
    ) -> Result<Vec<Record>, ResponseCode> {
        let mut answers = Vec::new();
        let (mut name, mut key) = (name.clone(), std::borrow::Cow::Borrowed(key));
        for _ in 0..MAX_HOPS {
            let records = self.names.get(&*key);
            if records.is_some_and(|records| records.servfail) {
                return Err(ResponseCode::ServFail);
            }
            let Some(target) = self.cnames.get(&key) else {
                self.own(&name, records.map(|r| &**r), asked, ttl, &mut answers);
                return Ok(answers);
            };
            let target = name::parse(target).map_err(|_| ResponseCode::ServFail)?;
            let rdata = RData::CNAME(CNAME(target.clone()));
            answers.push(Record::from_rdata(name, ttl, rdata));
            if matches!(asked, RecordType::CNAME | RecordType::ANY) {
                return Ok(answers);
            }
            key = name::key(&target).into();
            name = target;
        }
        Err(ResponseCode::ServFail)
    }

    fn own(
        &self,
        name: &Name,
        records: Option<&Records>,
        asked: RecordType,
        ttl: u32,
        answers: &mut Vec<Record>,
    ) {
        let mut say = |rdata| answers.push(Record::from_rdata(name.clone(), ttl, rdata));
        let own_addresses = records.filter(|r| !(r.a.is_empty() && r.aaaa.is_empty()));
        match asked {
            RecordType::A => match own_addresses {
                Some(records) => records.a.iter().for_each(|a| say(RData::A(A(*a)))),
                None => self.default_v4.iter().for_each(|a| say(RData::A(A(*a)))),
            },
            RecordType::AAAA => match own_addresses {
                Some(records) => records.aaaa.iter().for_each(|a| say(RData::AAAA(AAAA(*a)))),
                None => self.default_v6.iter().for_each(|a| say(RData::AAAA(AAAA(*a)))),
            },
            RecordType::TXT => {
                records.iter().flat_map(|r| &r.txt).for_each(|value| say(RData::TXT(txt(value))));
            }
            RecordType::CAA => {
                records.iter().flat_map(|r| &r.caa).for_each(|value| say(caa(value)));
            }
            _ => {}
        }
    }
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        let Self { a, aaaa, txt, caa, servfail } = self;
        a.is_empty() && aaaa.is_empty() && txt.is_empty() && caa.is_empty() && !servfail
    }
}

impl Caa {
    /// RFC 8659 section 4.1: flags, tag length, tag, value.
    pub(super) fn encode(&self) -> Result<Box<[u8]>, NameError> {
        let good = !self.tag.is_empty() && self.tag.bytes().all(|b| b.is_ascii_alphanumeric());
        let length = u8::try_from(self.tag.len()).ok().filter(|_| good);
        let length = length.ok_or_else(|| NameError::Tag(self.tag.clone()))?;
        if self.value.len() > MAX_CAA_VALUE {
            return Err(NameError::Long("value"));
        }
        let flags = if self.critical { 128 } else { 0 };
        let mut bytes = vec![flags, length];
        bytes.extend_from_slice(self.tag.as_bytes());
        bytes.extend_from_slice(self.value.as_bytes());
        Ok(bytes.into_boxed_slice())
    }
}

/// One record; its strings hold 255 bytes each.
fn txt(value: &[u8]) -> TXT {
    if value.is_empty() {
        return TXT::from_bytes(vec![&[]]);
    }
    TXT::from_bytes(value.chunks(255).collect())
}

/// As bytes, because the typed record refuses values that a test may want to publish.
fn caa(bytes: &[u8]) -> RData {
    RData::Unknown { code: RecordType::CAA, rdata: NULL::with(bytes.to_vec()) }
}

const MAX_HOPS: usize = 16;
const MAX_CAA_VALUE: usize = 4096;
