//! What the operator, or the sandbox, says about asking.

use std::net::SocketAddr;
use std::time::Duration;

use crate::reach::Reach;

/// Who answers for DNSSEC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dnssec {
    /// The name servers asked are validating resolvers on a trusted link: forged data arrives as SERVFAIL, and
    /// authenticated answers are marked so in the evidence.
    #[default]
    Upstream,
    /// Nobody: the sandbox, or a private policy.
    Off,
}

/// How name servers are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Transport {
    /// UDP from a fresh random port per query, TCP where an answer is truncated.
    #[default]
    Udp,
    /// One kept TCP connection per name server.
    Tcp,
}

/// Limits of fetching a file.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// For the whole exchange, redirects and look-ups included.
    pub total: Duration,
    /// For one connection, its TLS handshake included.
    pub connect: Duration,
    /// Octets of a body that are read.
    pub body: usize,
    /// Redirects that are followed.
    pub redirects: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            body: 64 * 1_024,
            redirects: 5,
            user_agent: concat!("Chancery-DCV/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// How to ask.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name servers; those of the system when empty.
    pub nameservers: Vec<SocketAddr>,
    /// How they are asked.
    pub transport: Transport,
    /// Who answers for DNSSEC.
    pub dnssec: Dnssec,
    /// How long one try of one DNS query may take.
    pub dns_timeout: Duration,
    /// How often a failed query is tried again. RFC and BR want one at least before a CAA failure counts.
    pub dns_retries: usize,
    /// DNS queries under way at a time; more of them wait. With TCP at most 32 per name server.
    pub dns_in_flight: usize,
    /// How long the CAA set of a parent domain is remembered, in real time; its TTL is the upper bound. The set at the
    /// very name that is asked for is never taken from memory. Nothing is remembered unless this is set: a record that
    /// a customer has just published then counts at once, and equal queries under way are shared in any case.
    pub caa_cache: Duration,
    /// Limits of fetching a file.
    pub http: HttpLimits,
    /// Which addresses web servers may have.
    pub reach: Reach,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            transport: Transport::default(),
            dnssec: Dnssec::default(),
            dns_timeout: Duration::from_secs(2),
            dns_retries: 1,
            dns_in_flight: 128,
            caa_cache: Duration::ZERO,
            http: HttpLimits::default(),
            reach: Reach::default(),
        }
    }
}
