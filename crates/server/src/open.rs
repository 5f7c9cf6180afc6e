//! Putting a house together from what the operator says: database, CAs, rules, DNS, mail.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::country::CountryCode;
use domain::ip_range::IpRange;
use domain::mail_address::MailAddress;
use domain::policy::Policy;
use domain::product::Catalogue;
use domain::time::{Clock, Entropy, Time};
use issuance::ca::ceremony::{CeremonyOptions, RsaSize};
use issuance::folder::CaFolder;
use issuance::weak_keys::WeakKeys;
use store::{PgOptions, SqliteOptions, Store, Tx};
use tokio::sync::RwLock;
use validation::{Asker, Dnssec, Reach, Settings, Transport};
use zeroize::Zeroizing;

use crate::app::collect;
use crate::app::issue::Authority;
use crate::app::login::{self, Logins};
use crate::app::placing::Draft;
use crate::arrivals::Arrivals;
use crate::clock::{RepeatableChance, SystemClock, SystemEntropy, TurnedClock};
use crate::config::Rules;
use crate::faults::Faults;
use crate::house::{CodeTries, House, Limits};
use crate::http::bodies::Bodies;
use crate::http::calls::CallLog;
use crate::known_cas;
use crate::letters::Desk;
use crate::long_work::LongWork;
use crate::mail::compose::From;
use crate::mail::send::{Sender, SmtpSettings, SmtpTls};
use crate::operator::kept_offset;
use crate::together::LookUps;

/// Why a house could not be opened; words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct OpenError {
    what: &'static str,
    why: String,
}

pub(crate) fn bad<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> OpenError {
    move |why| OpenError { what, why: why.to_string() }
}

/// Everything that a house is made of.
pub struct Plan {
    /// `sqlite:PATH`, a bare path, `postgres://…`, or libpq's words beginning with `host=`.
    pub database: String,
    /// Connections, for PostgreSQL.
    pub database_connections: usize,
    /// The CAs.
    pub ca: CaPlan,
    /// What the operator decided.
    pub rules: Rules,
    /// DNS and the web.
    pub outside: OutsidePlan,
    /// The mail server.
    pub mail: Option<SmtpSettings>,
    /// From whom mails come: an address.
    pub mail_from: String,
    /// Where people find the pages.
    pub public_url: String,
    /// Files in place of built-in tables.
    pub files: Files,
    /// Calls per minute and account.
    pub calls_per_minute: Option<NonZeroU32>,
    /// The sandbox: a clock that can be turned, calls that are remembered.
    pub sandbox: bool,
    /// The sandbox's seed.
    pub seed: Option<u64>,
}

/// The folder of CAs and how missing ones are made.
pub struct CaPlan {
    /// The folder.
    pub dir: PathBuf,
    /// Of the CA keys.
    pub passphrase: Zeroizing<Vec<u8>>,
    /// organizationName.
    pub organization: String,
    /// countryName.
    pub country: String,
    /// Plain http on a public DNS name.
    pub base_url: String,
    /// CRLs per issuing CA.
    pub crl_shards: u32,
    /// Bits of RSA issuing CAs: 2048, 3072 or 4096.
    pub rsa_bits: u32,
}

/// How the outside world is reached.
#[derive(Default)]
pub struct OutsidePlan {
    /// Name servers; the system's when empty.
    pub nameservers: Vec<SocketAddr>,
    /// No DNSSEC: the sandbox, or a private policy.
    pub dnssec_off: bool,
    /// Ask over kept TCP connections.
    pub dns_over_tcp: bool,
    /// Private ranges that proofs may be fetched from.
    pub reach: Vec<String>,
    /// Addresses that stand for others: the sandbox's fake web.
    pub overrides: Vec<((IpAddr, u16), SocketAddr)>,
    /// How long CAA sets of parent domains are remembered.
    pub caa_memory: Duration,
}

/// Files in place of built-in tables.
#[derive(Default)]
pub struct Files {
    /// The catalogue.
    pub catalogue: Option<PathBuf>,
    /// The policy.
    pub policy: Option<PathBuf>,
    /// SHA-256 of compromised keys.
    pub compromised_keys: Option<PathBuf>,
    /// Debian's weak keys.
    pub debian_weak_keys: Option<PathBuf>,
}

/// A house that was put together.
pub struct Opened {
    /// The house.
    pub house: Arc<House>,
    /// Its clock, if it can be turned.
    pub turned: Option<Arc<TurnedClock>>,
}

/// Name under which the clock's offset is kept.
pub(crate) const CLOCK_OFFSET: &str = "clock_offset";

/// Opens the database alone: to serve from it, or (not `exclusive`) for a command beside a running server, which makes none.
///
/// # Errors
/// [`OpenError`].
pub fn store(at: &str, connections: usize, exclusive: bool) -> Result<Store, OpenError> {
    database(at)?;
    let Some(path) = sqlite_path(at) else {
        let options = PgOptions { make: exclusive, ..PgOptions::for_connections(connections) };
        return Store::open_postgres_with(at, options).map_err(bad("database"));
    };
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(bad("database")(format!("there is no folder {}; make it", folder.display())));
    }
    // Threads that answer and threads with jobs, as many as there are cores of each, read; none waits for another.
    let readers = 2 * processors();
    let options = SqliteOptions { readers, exclusive, make: exclusive, ..SqliteOptions::default() };
    Store::open_sqlite_with(path, options).map_err(bad("database"))
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Puts a house together. Blocks: opens the database, makes missing CAs.
///
/// # Errors
/// [`OpenError`] with words for the operator.
pub fn open(plan: Plan) -> Result<Opened, OpenError> {
    let chance = SystemEntropy;
    let store = store(&plan.database, plan.database_connections, true)?;
    let turned = if plan.sandbox { Some(Arc::new(kept_clock(&store)?)) } else { None };
    let clock: Arc<dyn Clock> = match &turned {
        Some(turned) => turned.clone(),
        None => Arc::new(SystemClock),
    };
    let from = plan.mail_from.parse::<MailAddress>().map_err(bad("mail sender"))?;
    let from = From::new(&plan.rules.brand, &from, None).map_err(bad("mail sender"))?;
    let sender = plan.mail.as_ref().map(Sender::new).transpose().map_err(bad("mail server"))?;
    let house = House {
        catalogue: catalogue(&plan.files)?,
        policy: policy(&plan.files)?,
        authority: authority(&store, &plan.ca, plan.sandbox, clock.now())?,
        weak_keys: weak_keys(&plan.files)?,
        asker: asker(&plan.outside)?,
        mail: Desk::new(from, plan.public_url, sender),
        logins: Logins::new(&chance),
        limits: Limits::per_minute(plan.calls_per_minute),
        code_tries: if plan.sandbox { CodeTries::of_one_machine() } else { CodeTries::new() },
        long_work: LongWork::new(processors()),
        bodies: Bodies::default(),
        faults: Faults::default(),
        door: RwLock::default(),
        calls: if plan.sandbox { CallLog::on() } else { CallLog::off() },
        rules: plan.rules,
        repeatable: repeatable(&store, plan.seed)?,
        chance: Arc::new(chance),
        clock,
        placing: Arrivals::new(store.clone(), "place_orders", Draft::write),
        callers: LookUps::new(store.clone(), "login", login::look_up),
        collected: LookUps::new(store.clone(), "collect", collect::look_up),
        store,
    };
    Ok(Opened { house: Arc::new(house), turned })
}

/// An unencrypted mail server on this machine: the sandbox's mailbox.
#[must_use]
pub fn plain_smtp(at: SocketAddr) -> SmtpSettings {
    SmtpSettings {
        host: at.ip().to_string(),
        port: at.port(),
        tls: SmtpTls::None,
        tls_ca: None,
        credentials: None,
        hello_name: "localhost".to_owned(),
        pool_size: 16,
        timeout: Duration::from_secs(10),
    }
}

fn kept_clock(store: &Store) -> Result<TurnedClock, OpenError> {
    let read = |tx: &mut Tx<'_>| kept_offset(tx);
    let kept = store.read_blocking("clock_offset", read).map_err(bad("database"))?;
    Ok(TurnedClock::new(kept))
}

fn repeatable(store: &Store, seed: Option<u64>) -> Result<RepeatableChance, OpenError> {
    let highest = store.read_blocking("highest_order", store::orders::highest);
    Ok(RepeatableChance::new(seed, highest.map_err(bad("database"))?))
}

fn authority(
    store: &Store,
    plan: &CaPlan,
    sandbox: bool,
    now: Time,
) -> Result<Authority, OpenError> {
    known_cas::check(store, &plan.dir)?;
    let folder = ca_folder(plan, sandbox, now, &SystemEntropy)?;
    known_cas::note(store, &folder, &plan.dir, now)?;
    let profiles = issuance::profile::read(issuance::profile::builtin_profiles());
    let profiles = profiles.map_err(bad("profiles"))?;
    Ok(Authority::new(folder, profiles, plan.base_url.clone(), plan.crl_shards))
}

/// Opens the folder of CAs, and makes those that are missing.
pub(crate) fn ca_folder(
    plan: &CaPlan,
    sandbox: bool,
    now: Time,
    chance: &dyn Entropy,
) -> Result<CaFolder, OpenError> {
    let options = CeremonyOptions {
        organization: plan.organization.clone(),
        country: country(&plan.country)?,
        base_url: plan.base_url.clone(),
        sandbox,
        rsa: match plan.rsa_bits {
            2_048 => RsaSize::Rsa2048,
            3_072 => RsaSize::Rsa3072,
            4_096 => RsaSize::Rsa4096,
            other => return Err(bad("RSA bits")(format!("{other} is none of 2048, 3072, 4096"))),
        },
    };
    pki_base_url(&plan.base_url)?;
    issuance::folder::open_or_create(&plan.dir, &plan.passphrase, &options, chance, now)
        .map_err(bad("CA folder"))
}

/// Plain http on a public DNS name, or words that say so.
pub(crate) fn pki_base_url(url: &str) -> Result<(), OpenError> {
    let rooted = url::Url::parse(url).is_ok_and(|url| url.path() == "/");
    match rooted && issuance::lint::is_public_http_url(url) {
        true => Ok(()),
        false => Err(bad("pki_base_url")(format!(
            "'{url}' will not do: certificates name it, so it must be plain http:// and a public DNS name \
             without a port or a path (not https, not localhost, not an address); for example http://pki.example.com"
        ))),
    }
}

/// What CAs can be named after.
pub(crate) fn organization(name: &str) -> Result<(), OpenError> {
    match issuance::ca::ceremony::is_organization(name) {
        true => Ok(()),
        false => Err(bad("organization")(format!(
            "'{name}' will not do: CAs are named after it, so it has 1 to 32 characters and no blanks at its ends"
        ))),
    }
}

/// Where a database may be; nothing is opened.
pub(crate) fn database(text: &str) -> Result<(), OpenError> {
    let Some(path) = sqlite_path(text) else {
        return Store::check_postgres(text).map_err(bad("database"));
    };
    match path.is_empty() || path.contains("://") {
        false => Ok(()),
        true => Err(bad("database")(format!(
            "'{text}' is neither a file nor PostgreSQL; write a path, sqlite:PATH, or postgres://user:password@host/name"
        ))),
    }
}

/// Two capitals of ISO 3166.
pub(crate) fn country(text: &str) -> Result<CountryCode, OpenError> {
    text.parse().map_err(|_| {
        bad("country")(format!("'{text}' is no country; write its two capitals, like GB or DE"))
    })
}

/// The path of a SQLite database; None for PostgreSQL.
pub(crate) fn sqlite_path(database: &str) -> Option<&str> {
    let postgres = ["postgres:", "postgresql:", "host="];
    let elsewhere = postgres.iter().any(|start| database.starts_with(start));
    (!elsewhere).then(|| database.strip_prefix("sqlite:").unwrap_or(database))
}

fn text(path: &PathBuf, what: &'static str) -> Result<String, OpenError> {
    std::fs::read_to_string(path).map_err(|e| bad(what)(format!("{}: {e}", path.display())))
}

pub(crate) fn catalogue(files: &Files) -> Result<Catalogue, OpenError> {
    match &files.catalogue {
        Some(path) => Catalogue::from_toml(&text(path, "catalogue")?).map_err(bad("catalogue")),
        None => Ok(Catalogue::builtin()),
    }
}

pub(crate) fn policy(files: &Files) -> Result<Policy, OpenError> {
    let text = match &files.policy {
        Some(path) => text(path, "policy")?,
        None => issuance::profile::builtin_policy().to_owned(),
    };
    Policy::from_toml(&text).map_err(bad("policy"))
}

pub(crate) fn weak_keys(files: &Files) -> Result<WeakKeys, OpenError> {
    let mut keys = WeakKeys::without_lists();
    if let Some(path) = &files.compromised_keys {
        let list = text(path, "compromised keys")?;
        keys.add_spki_list(&list).map_err(bad("compromised keys"))?;
    }
    if let Some(path) = &files.debian_weak_keys {
        let what = "Debian weak keys";
        let blocks =
            std::fs::read(path).map_err(|e| bad(what)(format!("{}: {e}", path.display())))?;
        keys.add_blocks(&blocks).map_err(bad(what))?;
    }
    Ok(keys)
}

pub(crate) fn asker(plan: &OutsidePlan) -> Result<Asker, OpenError> {
    let allowed = plan.reach.iter().map(|r| r.parse::<IpRange>());
    let allowed = allowed.collect::<Result<Vec<_>, _>>().map_err(bad("reach"))?;
    let overrides = plan.overrides.iter();
    let overrides = overrides.map(|((ip, port), to)| (SocketAddr::new(*ip, *port), *to));
    let settings = Settings {
        nameservers: plan.nameservers.clone(),
        transport: if plan.dns_over_tcp { Transport::Tcp } else { Transport::Udp },
        dnssec: if plan.dnssec_off { Dnssec::Off } else { Dnssec::Upstream },
        caa_cache: plan.caa_memory,
        reach: Reach { allowed, overrides: overrides.collect() },
        ..Settings::default()
    };
    Asker::new(settings).map_err(bad("DNS"))
}
