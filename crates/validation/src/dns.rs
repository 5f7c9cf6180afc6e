//! DNS look-ups without memory: one question, its alias chain, and a reply that tells "nothing there" from "no answer".

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::xfer::{DnsHandle, FirstAnswer};
use hickory_net::{DnsError, NetError, NoRecords};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use tokio::sync::Semaphore;

use crate::asker::SetupError;
use crate::settings::{Dnssec, Settings, Transport};

/// What stands at a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct RrSet {
    /// The records of the type asked for; none when the name or the type is not there.
    pub records: Vec<RData>,
    /// Seconds for which the reply may be kept, aliases included; 0 for a denial without SOA.
    pub ttl: u32,
    /// The names to which aliases led, in order.
    pub aliases: Vec<String>,
    /// Whether the resolver said that it authenticated every part of a positive reply.
    pub authenticated: bool,
}

/// Why no answer could be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DnsFailure(pub String);

/// Name servers and how to ask them.
pub(crate) struct Dns {
    pool: NameServerPool<TokioRuntimeProvider>,
    permits: Semaphore,
    retries: usize,
    dnssec: Dnssec,
    /// The name servers in words.
    pub(crate) via: Box<str>,
}

impl Dns {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let servers = nameservers(settings)?;
        let in_flight = match settings.transport {
            Transport::Udp => settings.dns_in_flight,
            Transport::Tcp => settings.dns_in_flight.min(MAX_PER_STREAM * servers.len()),
        };
        let via: Vec<String> = servers
            .iter()
            .map(|s| {
                let port = s.connections.first().map_or(53, |c| c.port);
                SocketAddr::new(s.ip, port).to_string()
            })
            .collect();
        let mut options = ResolverOpts::default();
        options.timeout = settings.dns_timeout;
        options.num_concurrent_reqs = 1;
        options.max_active_requests = in_flight.saturating_mul(2).max(64);
        options.server_ordering_strategy = ServerOrderingStrategy::QueryStatistics;
        options.case_randomization = true;
        let tls = TlsConfig::new().map_err(|e| SetupError::Nameservers(e.to_string()))?;
        let context = Arc::new(PoolContext::new(options, tls));
        Ok(Self {
            pool: NameServerPool::from_config(servers, context, TokioRuntimeProvider::default()),
            permits: Semaphore::new(in_flight.max(1)),
            retries: settings.dns_retries,
            dnssec: settings.dnssec,
            via: format!("dns {}", via.join(" ")).into(),
        })
    }

    /// The records at a name, aliases followed.
    pub(crate) async fn lookup(&self, owner: &str, kind: RecordType) -> Result<RrSet, DnsFailure> {
        let mut name = query_name(owner)?;
        let mut ttl = u32::MAX;
        let mut authenticated = true;
        let mut aliases = Vec::new();
        loop {
            let reply = self.exchange(&name, kind).await?;
            let walk = walk(&reply, &name, kind, &mut aliases)?;
            ttl = ttl.min(walk.ttl);
            authenticated &= reply.authenticated;
            let records = match walk.end {
                End::Records(records) => records,
                End::Nothing => Vec::new(),
                End::Alias(target) => {
                    name = target;
                    continue;
                }
            };
            return Ok(RrSet { records, ttl, aliases, authenticated });
        }
    }

    /// The targets of the CNAME records at the name itself.
    pub(crate) async fn aliases(&self, owner: &str) -> Result<RrSet, DnsFailure> {
        let name = query_name(owner)?;
        let reply = self.exchange(&name, RecordType::CNAME).await?;
        let (records, ttl) = reply.at(&name, RecordType::CNAME)?;
        Ok(RrSet { records, ttl, aliases: Vec::new(), authenticated: reply.authenticated })
    }

    /// IPv4 and IPv6 addresses of a host. A family that fails is passed over if the other one is there.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsFailure> {
        let (v4, v6) = futures_util::join!(
            self.lookup(host, RecordType::A),
            self.lookup(host, RecordType::AAAA)
        );
        let mut found = Vec::new();
        for set in [&v4, &v6].into_iter().flatten() {
            found.extend(set.records.iter().filter_map(|r| match r {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                RData::AAAA(a) => Some(IpAddr::V6(a.0)),
                _ => None,
            }));
        }
        match (found.is_empty(), v4, v6) {
            (false, _, _) | (true, Ok(_), Ok(_)) => Ok(found),
            (true, Err(failure), _) | (true, _, Err(failure)) => Err(failure),
        }
    }

    /// How an answer came, for the record: who gave it, whether it was authenticated, and which aliases led to it.
    pub(crate) fn via(&self, set: &RrSet) -> String {
        let mut via = self.via.to_string();
        if self.dnssec == Dnssec::Upstream && set.authenticated && !set.records.is_empty() {
            via += ", authenticated";
        }
        for alias in &set.aliases {
            via += ", alias of ";
            via += alias;
        }
        via
    }

    async fn exchange(&self, name: &Name, kind: RecordType) -> Result<Reply, DnsFailure> {
        let _permit = self.permits.acquire().await.map_err(|e| DnsFailure(e.to_string()))?;
        let mut tries = 0;
        loop {
            match self.send(name, kind).await {
                Ok(reply) => return Ok(reply),
                Err(failure) if tries >= self.retries => return Err(failure),
                Err(_) => tries += 1,
            }
        }
    }

    async fn send(&self, name: &Name, kind: RecordType) -> Result<Reply, DnsFailure> {
        let mut options = DnsRequestOptions::default();
        options.case_randomization = true;
        let mut request = DnsRequest::from_query(Query::query(name.clone(), kind), options);
        // RFC 6840 section 5.7: asks the resolver to say whether it authenticated the data.
        request.metadata.authentic_data = self.dnssec == Dnssec::Upstream;
        match self.pool.send(request).first_answer().await {
            Ok(response) => Reply::read(response.into_message(), name, kind),
            Err(NetError::Dns(DnsError::NoRecordsFound(denial))) => {
                Reply::denied(&denial, name, kind)
            }
            Err(NetError::Dns(DnsError::ResponseCode(code))) => {
                Err(DnsFailure(format!("{name} {kind}: {code}")))
            }
            Err(error) => Err(DnsFailure(format!("{name} {kind}: {error}"))),
        }
    }
}

/// A reply that is an answer: NOERROR or NXDOMAIN, whole, and to the question asked.
struct Reply {
    answers: Vec<Record>,
    absent: bool,
    denial_ttl: u32,
    authenticated: bool,
}

impl Reply {
    fn read(message: Message, name: &Name, kind: RecordType) -> Result<Self, DnsFailure> {
        let fail = |why: &str| Err(DnsFailure(format!("{name} {kind}: {why}")));
        let asked = matches!(message.queries.as_slice(),
            [q] if q.name() == name && q.query_type() == kind);
        if !asked {
            return Err(other_question(name, kind));
        }
        if message.metadata.truncation {
            return fail("the reply is truncated");
        }
        let absent = match message.metadata.response_code {
            ResponseCode::NoError => false,
            ResponseCode::NXDomain => true,
            code => return fail(&code.to_string()),
        };
        let denial_ttl = message.authorities.iter().find_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        });
        Ok(Self {
            absent,
            denial_ttl: denial_ttl.unwrap_or(0),
            authenticated: message.metadata.authentic_data,
            answers: message.answers,
        })
    }

    /// A denial; but a referral to other servers is none, it only shows that the server does not know.
    fn denied(denial: &NoRecords, name: &Name, kind: RecordType) -> Result<Self, DnsFailure> {
        if denial.query.name() != name || denial.query.query_type() != kind {
            return Err(other_question(name, kind));
        }
        let referral = denial.ns.is_some() && denial.soa.is_none();
        let absent = match denial.response_code {
            ResponseCode::NXDomain => true,
            ResponseCode::NoError if !referral => false,
            code => {
                return Err(DnsFailure(format!("{}: {code} without an answer", denial.query)));
            }
        };
        Ok(Self {
            answers: Vec::new(),
            absent,
            denial_ttl: denial.negative_ttl.unwrap_or(0),
            authenticated: false,
        })
    }

    /// The records of a name. A set that is too large is none that can be read: what it forbids may stand at its end.
    fn at(&self, name: &Name, kind: RecordType) -> Result<(Vec<RData>, u32), DnsFailure> {
        let mut ttl = u32::MAX;
        let mut records = Vec::new();
        for record in &self.answers {
            if record.record_type() == kind && record.name == *name {
                ttl = ttl.min(record.ttl);
                records.push(record.data.clone());
            }
        }
        if records.len() > MAX_RECORDS {
            let count = records.len();
            return Err(DnsFailure(format!("{name} {kind}: {count} records are too many")));
        }
        let ttl = if records.is_empty() { self.denial_ttl } else { ttl };
        Ok((records, ttl))
    }
}

fn other_question(name: &Name, kind: RecordType) -> DnsFailure {
    DnsFailure(format!("{name} {kind}: the reply is to another question"))
}

enum End {
    Records(Vec<RData>),
    Nothing,
    /// The chain leads to a name about which the reply says nothing.
    Alias(Name),
}

struct Walk {
    end: End,
    ttl: u32,
}

/// Follows the aliases within one reply.
fn walk(
    reply: &Reply,
    owner: &Name,
    kind: RecordType,
    passed: &mut Vec<String>,
) -> Result<Walk, DnsFailure> {
    let mut name = owner.clone();
    let mut ttl = u32::MAX;
    loop {
        let (records, set_ttl) = reply.at(&name, kind)?;
        if !records.is_empty() {
            return Ok(Walk { end: End::Records(records), ttl: ttl.min(set_ttl) });
        }
        let (aliases, alias_ttl) = reply.at(&name, RecordType::CNAME)?;
        let Some(RData::CNAME(target)) = aliases.into_iter().next() else {
            let end = if reply.absent || name == *owner { End::Nothing } else { End::Alias(name) };
            let denial = if matches!(end, End::Nothing) { set_ttl } else { u32::MAX };
            return Ok(Walk { end, ttl: ttl.min(denial) });
        };
        if passed.len() == MAX_ALIASES {
            return Err(DnsFailure(format!("{owner} {kind}: too many aliases")));
        }
        ttl = ttl.min(alias_ttl);
        passed.push(text_of(&target.0));
        name = target.0;
    }
}

fn query_name(owner: &str) -> Result<Name, DnsFailure> {
    let mut name =
        Name::from_ascii(owner).map_err(|e| DnsFailure(format!("not a query name: {e}")))?;
    name.set_fqdn(true);
    Ok(name)
}

fn nameservers(settings: &Settings) -> Result<Vec<NameServerConfig>, SetupError> {
    let mut servers: Vec<NameServerConfig> = if settings.nameservers.is_empty() {
        let system: Result<(ResolverConfig, _), _> =
            hickory_resolver::system_conf::read_system_conf();
        system.map_err(|e| SetupError::Nameservers(e.to_string()))?.0.name_servers
    } else {
        settings
            .nameservers
            .iter()
            .map(|address| {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|c| c.port = address.port());
                NameServerConfig::new(address.ip(), true, connections)
            })
            .collect()
    };
    if settings.transport == Transport::Tcp {
        for server in &mut servers {
            let tcp = hickory_resolver::config::ProtocolConfig::Tcp;
            server.connections.retain(|c| c.protocol == tcp);
        }
    }
    if servers.is_empty() {
        return Err(SetupError::Nameservers("none configured".into()));
    }
    Ok(servers)
}

/// A name as text, without the trailing dot.
pub(crate) fn text_of(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// Octets as a person reads them: UTF-8 as it is, anything else with escapes, so that nothing is lost.
pub(crate) fn readable(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => octets.escape_ascii().to_string(),
    }
}

/// The TXT strings of a set, those of one record joined.
pub(crate) fn texts(set: &RrSet) -> Vec<String> {
    set.records
        .iter()
        .filter_map(|r| match r {
            RData::TXT(txt) => Some(readable(&txt.txt_data.concat())),
            _ => None,
        })
        .collect()
}

/// What the queue before a stream of hickory-net holds; beyond it a query fails at once.
const MAX_PER_STREAM: usize = 32;
const MAX_ALIASES: usize = 9;
const MAX_RECORDS: usize = 256;
