//! What the operator decides: the file as it is written, and the rules as they are used.

mod plan;

pub use plan::{BadConfig, EXAMPLE, Settings, TlsPair};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::ip_range::IpRange;
use serde::{Deserialize, Deserializer};

use crate::http::limits::Limits;

/// What the house goes by, once the file has been read.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The name under which the house speaks to people on its own pages.
    pub brand: String,
    /// The CA's own domains in request tokens; the first is the one that we tell customers.
    pub token_suffixes: Vec<String>,
    /// The issuer domain names by which CAA records may name us.
    pub caa_identities: Vec<String>,
    /// Wildcards must say how many servers (D56).
    pub strict_servers: bool,
    /// Days after which an order that nobody proves runs out.
    pub unproven_days: u32,
    /// Requests that are looked at at the same time.
    pub validations_in_flight: usize,
    /// How long one look for the proofs of an order may take, CAA included. Less than the lease of its job.
    pub look_at_most: Duration,
    /// No other node works on the database: leases found at the start are nobody's.
    pub only_node: bool,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<IpRange>,
    /// What connections may take.
    pub connections: Limits,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            brand: "Chancery".into(),
            token_suffixes: vec!["sectigo.com".into(), "comodoca.com".into()],
            caa_identities: vec!["sectigo.com".into(), "comodoca.com".into()],
            strict_servers: false,
            unproven_days: 90,
            validations_in_flight: 256,
            look_at_most: Duration::from_secs(40),
            only_node: false,
            trusted_proxies: Vec::new(),
            connections: Limits::default(),
        }
    }
}

/// The configuration file of `serve`, as it is written (TOML). Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where the partner interface listens with TLS.
    #[serde(deserialize_with = "socket")]
    pub listen: SocketAddr,
    /// Where plain http listens: CRLs, CA certificates, and -1 for callers who forgot TLS.
    #[serde(deserialize_with = "socket")]
    pub listen_http: SocketAddr,
    /// Where people find the pages, `https://…`: the links in mails begin with it.
    pub public_url: String,
    /// Plain http on a public DNS name: certificates say that CRLs and CA certificates are there.
    pub pki_base_url: String,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Connections, for PostgreSQL: about four for each core. More take memory and are no faster.
    #[serde(default = "connections")]
    pub database_connections: usize,
    /// The folder with the CAs.
    pub ca_dir: PathBuf,
    /// organizationName of the CAs.
    pub organization: String,
    /// countryName of the CAs.
    pub country: String,
    /// Bits of RSA issuing CAs that are yet to be made: 2048, 3072 or 4096.
    #[serde(default = "bits")]
    pub rsa_bits: u32,
    /// The name under which the pages and mails speak where no account's brand is known; the organisation's otherwise.
    pub brand: Option<String>,
    /// The server's own certificate.
    pub tls: Option<TlsChoice>,
    /// The CA's own domains: in request tokens, and by which CAA records may name it.
    #[serde(default)]
    pub identities: Vec<String>,
    /// DNS.
    #[serde(default)]
    pub dns: DnsFile,
    /// The mail server.
    pub mail: Option<MailFile>,
    /// A catalogue in place of the built-in one.
    pub catalogue: Option<PathBuf>,
    /// A policy in place of the built-in one.
    pub policy: Option<PathBuf>,
    /// Compromised keys: SHA-256 of the SubjectPublicKeyInfo in hexadecimal, one a line.
    pub compromised_keys: Option<PathBuf>,
    /// Truncated fingerprints of Debian's weak keys, in the badkeys format.
    pub debian_weak_keys: Option<PathBuf>,
    /// Proxies whose forwarded headers count.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// Private ranges that proofs may be fetched from.
    #[serde(default)]
    pub reach: Vec<String>,
    /// Calls per minute and account.
    pub calls_per_minute: Option<std::num::NonZeroU32>,
    /// Wildcards must say how many servers.
    #[serde(default)]
    pub strict_servers: bool,
    /// CRLs per issuing CA.
    #[serde(default = "eight")]
    pub crl_shards: u32,
    /// Days after which an order that nobody proves runs out.
    #[serde(default = "ninety")]
    pub unproven_days: u32,
    /// What connections may take.
    #[serde(default)]
    pub connections: ConnectionsFile,
}

/// What connections may take; what is not said stays as it is built in.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsFile {
    /// At a time and listener.
    pub at_a_time: Option<usize>,
    /// Of these, from one address.
    pub per_address: Option<usize>,
    /// Seconds for a TLS handshake, and for a request's head.
    pub request_seconds: Option<u64>,
    /// Seconds for which a connection is kept on which nothing happens.
    pub idle_seconds: Option<u64>,
    /// Octets that a body must bring a second.
    pub body_rate: Option<u64>,
    /// MiB that bodies may take which are under way, a quarter of them from one address.
    pub body_memory: Option<usize>,
}

/// Where the server's own certificate comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "tls: write [tls] with certificate and key, or tls = \"own-ca\"")]
pub enum TlsChoice {
    /// From the house's private CA, for the host of `public_url`.
    Word(TlsWord),
    /// From files.
    Files(TlsFile),
}

/// Words for certificates that are in no file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum TlsWord {
    /// `own-ca`.
    #[serde(rename = "own-ca")]
    OwnCa,
}

/// The server's own certificate, PEM; read again when the files change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// Chain, leaf first.
    pub certificate: PathBuf,
    /// Key.
    pub key: PathBuf,
}

/// How names are looked up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsFile {
    /// Name servers; the system's when empty.
    #[serde(default, deserialize_with = "sockets")]
    pub servers: Vec<SocketAddr>,
    /// `upstream` or `off`.
    pub dnssec: Option<String>,
    /// Ask over kept TCP connections.
    #[serde(default)]
    pub tcp: bool,
    /// For how many seconds CAA sets of parent domains are remembered.
    #[serde(default)]
    pub caa_memory_seconds: u64,
}

/// The mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailFile {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `none`, `starttls` or `tls`.
    pub tls: String,
    /// Login, if it wants one.
    pub user: Option<String>,
    /// Where the password is: a file with nothing else in it.
    pub password_file: Option<PathBuf>,
    /// A root in PEM that is trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// From whom mails come.
    pub from: String,
    /// Seconds for handing over one mail, from the wait for a connection to the server's last word.
    #[serde(default = "thirty")]
    pub timeout_seconds: u64,
}

fn bits() -> u32 {
    3_072
}

fn socket<'d, D: Deserializer<'d>>(from: D) -> Result<SocketAddr, D::Error> {
    socket_of(&String::deserialize(from)?)
}

fn sockets<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    Vec::<String>::deserialize(from)?.iter().map(|text| socket_of(text)).collect()
}

fn socket_of<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| {
        E::custom(format!(
            "'{text}' is no IP address with a port; write it like 192.0.2.1:443 or [2001:db8::1]:443"
        ))
    })
}

fn connections() -> usize {
    8
}

fn eight() -> u32 {
    8
}

fn thirty() -> u64 {
    30
}

fn ninety() -> u32 {
    90
}
