//! From the file as it is written to what a house is made of. What cannot work is refused here, before anything starts,
//! with words that say what to write instead.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::ip_range::IpRange;
use domain::mail_address::MailAddress;
use domain::names::{CertName, DnsName};
use url::Url;
use zeroize::Zeroizing;

use super::{ConnectionsFile, DnsFile, File, MailFile, Rules, TlsChoice};
use crate::http::bodies::Room;
use crate::http::limits::Limits;
use crate::http::listen::Tls;
use crate::mail::send::{SmtpSettings, SmtpTls};
use crate::open::{self, CaPlan, Files, OpenError, OutsidePlan, Plan};

/// A commented file, as `chancery config example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A configuration that cannot be used, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadConfig(String);

impl From<OpenError> for BadConfig {
    fn from(error: OpenError) -> Self {
        Self(error.to_string())
    }
}

/// The chain and the key of the server's own certificate, PEM.
pub type TlsPair = (Vec<u8>, Zeroizing<Vec<u8>>);

/// A file that was read and makes sense.
pub struct Settings {
    file: File,
    rules: Rules,
    mail: Option<SmtpSettings>,
}

impl Settings {
    /// Reads a file and checks everything that can be checked without a passphrase or a database.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(path: &Path) -> Result<Self, BadConfig> {
        Self::new(File::read(path)?).map_err(|e| told(path, e.0))
    }

    fn new(file: File) -> Result<Self, BadConfig> {
        open::pki_base_url(&file.pki_base_url)?;
        open::country(&file.country)?;
        open::organization(&file.organization)?;
        open::database(&file.database)?;
        if file.ca_dir.as_os_str().is_empty() {
            return Err(BadConfig("ca_dir: say in which folder the CAs are".into()));
        }
        if file.brand.as_ref().is_some_and(|brand| brand.trim().is_empty()) {
            return Err(BadConfig(
                "brand: it is empty; leave the line out for the organisation's name".into(),
            ));
        }
        public_url(&file.public_url)?;
        check_doors(file.listen, file.listen_http)?;
        check_numbers(&file)?;
        let rules = rules(&file)?;
        let mail = file.mail.as_ref().map(|m| mail(m, &file.public_url)).transpose()?;
        let settings = Self { file, rules, mail };
        settings.check_tls()?;
        let files = settings.files();
        open::catalogue(&files)?;
        open::policy(&files)?;
        open::weak_keys(&files)?;
        outside(&settings.file)?;
        Ok(settings)
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The name for which the house's own CA makes the server's certificate, if that is where it comes from.
    ///
    /// # Errors
    /// When the host of `public_url` can stand in no certificate.
    pub fn own_tls_host(&self) -> Result<Option<CertName>, BadConfig> {
        let Some(TlsChoice::Word(_)) = &self.file.tls else { return Ok(None) };
        let host = host_of(&self.file.public_url);
        host.parse().map(Some).map_err(|_| {
            BadConfig(format!("tls: the host '{host}' of public_url can stand in no certificate"))
        })
    }

    /// The server's own certificate from files; None behind a proxy that does TLS, and if it comes from the own CA.
    ///
    /// # Errors
    /// When the files cannot be used.
    pub fn tls(&self) -> Result<Option<Tls>, BadConfig> {
        let (Some(TlsChoice::Files(files)), Some((chain, key))) =
            (&self.file.tls, self.tls_files()?)
        else {
            return Ok(None);
        };
        Tls::from_pem(&chain, &key).map(Some).map_err(|error| {
            let (chain, key) = (files.certificate.display(), files.key.display());
            BadConfig(format!(
                "tls: {error}; {chain} has to hold the chain in PEM, leaf first, and {key} the leaf's key"
            ))
        })
    }

    /// Chain and key as they are on the disk now.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn tls_files(&self) -> Result<Option<TlsPair>, BadConfig> {
        let Some(TlsChoice::Files(tls)) = &self.file.tls else { return Ok(None) };
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|e| BadConfig(format!("tls: {}: {e}", path.display())))
        };
        Ok(Some((read(&tls.certificate)?, Zeroizing::new(read(&tls.key)?))))
    }

    /// What a house is made of.
    #[must_use]
    pub fn plan(&self, passphrase: Zeroizing<Vec<u8>>) -> Plan {
        let file = &self.file;
        Plan {
            database: file.database.clone(),
            database_connections: file.database_connections,
            ca: CaPlan {
                dir: file.ca_dir.clone(),
                passphrase,
                organization: file.organization.clone(),
                country: file.country.clone(),
                base_url: file.pki_base_url.clone(),
                crl_shards: file.crl_shards,
                rsa_bits: file.rsa_bits,
            },
            rules: self.rules.clone(),
            outside: outside_plan(file),
            mail: self.mail.clone(),
            mail_from: file.mail.as_ref().map_or_else(
                || format!("noreply@{}", host_of(&file.pki_base_url)),
                |m| m.from.clone(),
            ),
            public_url: file.public_url.trim_end_matches('/').to_owned(),
            files: self.files(),
            calls_per_minute: file.calls_per_minute,
            sandbox: false,
            seed: None,
        }
    }

    fn files(&self) -> Files {
        Files {
            catalogue: self.file.catalogue.clone(),
            policy: self.file.policy.clone(),
            compromised_keys: self.file.compromised_keys.clone(),
            debian_weak_keys: self.file.debian_weak_keys.clone(),
        }
    }

    fn check_tls(&self) -> Result<(), BadConfig> {
        if self.file.tls.is_none() && self.rules.trusted_proxies.is_empty() {
            return Err(BadConfig(
                "tls: partners send passwords, so say where the server's certificate is ([tls] certificate, key), \
                 that the own CA makes one (tls = \"own-ca\"), or which proxies in front do TLS (trusted_proxies)"
                    .into(),
            ));
        }
        self.own_tls_host()?;
        self.tls().map(drop)
    }
}

fn told(path: &Path, what: impl std::fmt::Display) -> BadConfig {
    BadConfig(format!("{}: {what}", path.display()))
}

impl File {
    /// Reads a file as it is written; relative paths count from its folder. [`Settings::read`] looks closer.
    ///
    /// # Errors
    /// When it cannot be read or is not of the expected form.
    pub fn read(path: &Path) -> Result<Self, BadConfig> {
        let text = std::fs::read_to_string(path).map_err(|e| told(path, e))?;
        let file: File = toml::from_str(&text).map_err(|e| told(path, e))?;
        Ok(file.settled_in(path.parent().unwrap_or(Path::new(""))))
    }

    /// Relative paths count from this folder.
    fn settled_in(mut self, folder: &Path) -> Self {
        let settle = |path: &mut PathBuf| *path = folder.join(&*path);
        if !self.ca_dir.as_os_str().is_empty() {
            settle(&mut self.ca_dir);
        }
        if let Some(TlsChoice::Files(tls)) = &mut self.tls {
            settle(&mut tls.certificate);
            settle(&mut tls.key);
        }
        let optional = [
            &mut self.catalogue,
            &mut self.policy,
            &mut self.compromised_keys,
            &mut self.debian_weak_keys,
        ];
        optional.into_iter().flatten().for_each(settle);
        if let Some(mail) = &mut self.mail {
            [&mut mail.password_file, &mut mail.ca_file].into_iter().flatten().for_each(settle);
        }
        if let Some(path) = open::sqlite_path(&self.database)
            && open::database(&self.database).is_ok()
        {
            self.database = format!("sqlite:{}", folder.join(path).display());
        }
        self
    }
}

/// `https://`, a host and perhaps a port: links in mails begin with it, and pages name each other from the root.
fn public_url(text: &str) -> Result<Url, BadConfig> {
    let url = Url::parse(text).ok().filter(|url| {
        let user = !url.username().is_empty() || url.password().is_some();
        let rest = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        url.scheme() == "https" && !user && !rest
    });
    // A browser would find its way out of more than this; a mail has to be read by all.
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b));
    url.filter(|url| plain && text.starts_with("https://") && url.host().is_some()).ok_or_else(|| {
        BadConfig(format!(
            "public_url: '{text}' will not do: links in mails begin with it, so write https:// and a host name, \
             without a path; for example https://ca.example.com"
        ))
    })
}

fn check_doors(listen: SocketAddr, listen_http: SocketAddr) -> Result<(), BadConfig> {
    let (one, other) = (listen.ip(), listen_http.ip());
    let overlap = one == other || one.is_unspecified() || other.is_unspecified();
    match listen.port() != 0 && listen.port() == listen_http.port() && overlap {
        false => Ok(()),
        true => Err(BadConfig(format!(
            "listen_http: {listen_http} is where listen is already; give each a port of its own"
        ))),
    }
}

fn check_numbers(file: &File) -> Result<(), BadConfig> {
    let wrong = |what: &str, value: u64, range: &str| {
        Err(BadConfig(format!("{what}: {value} is outside of {range}")))
    };
    if !(1..=200).contains(&file.database_connections) {
        let value = u64::try_from(file.database_connections).unwrap_or(u64::MAX);
        return wrong("database_connections", value, "1 to 200");
    }
    if !(1..=999).contains(&file.crl_shards) {
        return wrong("crl_shards", file.crl_shards.into(), "1 to 999");
    }
    if !(1..=3_650).contains(&file.unproven_days) {
        return wrong("unproven_days", file.unproven_days.into(), "1 to 3650");
    }
    if ![2_048, 3_072, 4_096].contains(&file.rsa_bits) {
        return wrong("rsa_bits", file.rsa_bits.into(), "2048, 3072, 4096");
    }
    if file.mail.as_ref().is_some_and(|mail| mail.host.trim().is_empty() || mail.port == 0) {
        return Err(BadConfig(
            "mail: write the server's host and port, like \"smtp.example.com\" and 587".into(),
        ));
    }
    if let Some(mail) = file.mail.as_ref().filter(|m| !(1..=50).contains(&m.timeout_seconds)) {
        let range = "1 to 50 (a mail is somebody else's to send after 60)";
        return wrong("mail.timeout_seconds", mail.timeout_seconds, range);
    }
    if file.dns.caa_memory_seconds > 8 * 3_600 {
        let range = "0 to 28800 (8 hours, BR 3.2.2.8)";
        return wrong("dns.caa_memory_seconds", file.dns.caa_memory_seconds, range);
    }
    Ok(())
}

fn rules(file: &File) -> Result<Rules, BadConfig> {
    let mut rules = Rules {
        brand: file.brand.clone().unwrap_or_else(|| file.organization.clone()),
        strict_servers: file.strict_servers,
        unproven_days: file.unproven_days,
        trusted_proxies: ranges("trusted_proxies", &file.trusted_proxies)?,
        connections: connections(&file.connections)?,
        ..Rules::default()
    };
    if !file.identities.is_empty() {
        let identities = file.identities.iter().map(|text| match text.parse::<DnsName>() {
            Ok(name) => Ok(name.to_string()),
            Err(_) => Err(BadConfig(format!("identities: '{text}' is no domain name"))),
        });
        rules.caa_identities = identities.collect::<Result<_, _>>()?;
        rules.token_suffixes.clone_from(&rules.caa_identities);
    }
    Ok(rules)
}

fn connections(file: &ConnectionsFile) -> Result<Limits, BadConfig> {
    let standard = Limits::default();
    let seconds = |given: Option<u64>, standard| given.map_or(standard, Duration::from_secs);
    let limits = Limits {
        at_a_time: file.at_a_time.unwrap_or(standard.at_a_time),
        per_address: file.per_address.unwrap_or(standard.per_address),
        first_request: seconds(file.request_seconds, standard.first_request),
        idle: seconds(file.idle_seconds, standard.idle),
        body_rate: file.body_rate.unwrap_or(standard.body_rate),
        bodies: file
            .body_memory
            .map_or(standard.bodies, |mib| Room::for_all(mib.saturating_mul(1_024 * 1_024))),
    };
    let times = [limits.first_request, limits.idle];
    let sane = (1..=100_000).contains(&limits.at_a_time)
        && limits.per_address > 0
        && file.body_memory.is_none_or(|mib| (8..=65_536).contains(&mib))
        && limits.body_rate > 0
        && times.iter().all(|t| (1..=3_600).contains(&t.as_secs()));
    match sane {
        true => Ok(limits),
        false => Err(BadConfig(
            "connections: at_a_time is 1 to 100000, request_seconds and idle_seconds are 1 to 3600, body_memory is 8 to 65536, the others at least 1"
                .into(),
        )),
    }
}

fn ranges(what: &str, words: &[String]) -> Result<Vec<IpRange>, BadConfig> {
    let range = |word: &String| {
        word.parse().map_err(|_| {
            BadConfig(format!("{what}: '{word}' is no address; write 192.0.2.7 or 192.0.2.0/24"))
        })
    };
    words.iter().map(range).collect()
}

fn mail(file: &MailFile, public_url: &str) -> Result<SmtpSettings, BadConfig> {
    let bad = |what: String| BadConfig(format!("mail: {what}"));
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|e| bad(format!("{}: {e}", path.display())))
    };
    file.from
        .parse::<MailAddress>()
        .map_err(|_| bad(format!("from: '{}' is no mail address", file.from)))?;
    let tls = match file.tls.as_str() {
        "none" => SmtpTls::None,
        "starttls" => SmtpTls::StartTls,
        "tls" => SmtpTls::Tls,
        other => return Err(bad(format!("tls: '{other}' is none of none, starttls, tls"))),
    };
    let credentials = match (&file.user, &file.password_file) {
        (Some(user), Some(path)) => Some((user.clone(), read(path)?.trim_end().to_owned())),
        (None, None) => None,
        _ => return Err(bad("user and password_file belong together".into())),
    };
    let settings = SmtpSettings {
        host: file.host.clone(),
        port: file.port,
        tls,
        tls_ca: file.ca_file.as_ref().map(read).transpose()?,
        credentials,
        hello_name: host_of(public_url),
        pool_size: 4,
        timeout: Duration::from_secs(file.timeout_seconds),
    };
    crate::mail::send::Sender::new(&settings).map_err(|e| bad(e.to_string()))?;
    Ok(settings)
}

fn outside(file: &File) -> Result<(), BadConfig> {
    dnssec_off(&file.dns)?;
    ranges("reach", &file.reach).map(drop)
}

fn dnssec_off(dns: &DnsFile) -> Result<bool, BadConfig> {
    match dns.dnssec.as_deref() {
        None | Some("upstream") => Ok(false),
        Some("off") => Ok(true),
        Some(other) => Err(BadConfig(format!("dns.dnssec: '{other}' is neither upstream nor off"))),
    }
}

fn outside_plan(file: &File) -> OutsidePlan {
    OutsidePlan {
        nameservers: file.dns.servers.clone(),
        dnssec_off: dnssec_off(&file.dns).unwrap_or(false),
        dns_over_tcp: file.dns.tcp,
        reach: file.reach.clone(),
        overrides: Vec::new(),
        caa_memory: Duration::from_secs(file.dns.caa_memory_seconds),
    }
}

/// The host of a URL that was checked, without its port; an address of IPv6 without its brackets.
fn host_of(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.trim_matches(['[', ']']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: &str, with: &str) -> String {
        let text = EXAMPLE.replace(change, with);
        assert_ne!(text, EXAMPLE, "{change}");
        // Behind a proxy, so that no certificate file is needed.
        let text = text.replace("#trusted_proxies", "trusted_proxies");
        let text: String = text
            .lines()
            .filter(|l| !l.starts_with("[tls]") && !l.starts_with("key ="))
            .filter(|l| !l.starts_with("certificate ="))
            .map(|l| format!("{l}\n"))
            .collect();
        match toml::from_str::<File>(&text) {
            Ok(file) => Settings::new(file).err().map(|e| e.0).unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_example_is_right_save_for_its_files() {
        let file: File = toml::from_str(EXAMPLE).unwrap();
        let error = Settings::new(file).err().unwrap().0;
        assert!(error.starts_with("tls: tls.pem: "), "{error}");
        assert_eq!(refused("# Chancery", "#  Chancery"), "");
    }

    #[test]
    fn every_commented_line_of_the_example_can_be_uncommented() {
        let text: String = EXAMPLE
            .lines()
            .map(|l| match l.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
                _ => format!("{l}\n"),
            })
            .collect();
        let file: File = toml::from_str(&text).unwrap();
        assert_eq!(file.mail.unwrap().port, 587);
        assert_eq!(file.dns.dnssec.as_deref(), Some("upstream"));
    }

    #[test]
    fn hosts_are_read_as_they_are_meant() {
        for (url, host) in [
            ("https://ca.example.com", "ca.example.com"),
            ("https://ca.example.com:8443/", "ca.example.com"),
            ("https://[::1]:8443", "::1"),
            ("https://192.0.2.7", "192.0.2.7"),
        ] {
            assert!(public_url(url).is_ok(), "{url}");
            assert_eq!(host_of(url), host);
        }
        let two = check_doors("192.0.2.1:443".parse().unwrap(), "192.0.2.2:443".parse().unwrap());
        assert!(two.is_ok());
    }

    #[test]
    fn identities_are_kept_as_records_are_compared() {
        let given = "identities = [\"CA.Example.com.\", \"bücher.example\"]";
        let text = EXAMPLE.replace("#identities = [\"ca.example.com\"]", given);
        let rules = rules(&toml::from_str(&text).unwrap()).unwrap();
        let kept = ["ca.example.com", "xn--bcher-kva.example"];
        assert_eq!(
            (&rules.caa_identities[..], &rules.token_suffixes[..]),
            (&kept.map(str::to_owned)[..], &kept.map(str::to_owned)[..])
        );
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (change, with, word) in [
            ("http://pki.example.com", "http://localhost", "pki_base_url"),
            ("http://pki.example.com", "https://pki.example.com", "plain http"),
            ("http://pki.example.com", "http://192.0.2.1", "public DNS name"),
            ("http://pki.example.com", "http://pki.example.com:8080", "without a port"),
            ("https://ca.example.com", "http://ca.example.com", "public_url"),
            ("https://ca.example.com", "https://:8443", "public_url"),
            ("https://ca.example.com", "https://ca.example.com?a=b", "public_url"),
            ("https://ca.example.com", "https://me@ca.example.com", "public_url"),
            ("https://ca.example.com", "https://ca.example.com/shop", "without a path"),
            ("#brand = \"Example SSL\"", "brand = \" \"", "brand"),
            ("ca_dir = \"keys\"", "ca_dir = \"\"", "ca_dir"),
            ("\"GB\"", "\"Britain\"", "country"),
            ("\"Example Trust\"", "\"\"", "organization"),
            ("\"Example Trust\"", "\"Example Trust of Very Many Letters\"", "1 to 32 characters"),
            (
                "sqlite:chancery.sqlite",
                "mysql://root@localhost/ca",
                "neither a file nor PostgreSQL",
            ),
            ("sqlite:chancery.sqlite", "", "neither a file nor PostgreSQL"),
            ("sqlite:chancery.sqlite", "sqlite:", "neither a file nor PostgreSQL"),
            ("sqlite:chancery.sqlite", "postgres://", "names no host"),
            ("sqlite:chancery.sqlite", "postgres://host:port/", "database"),
            ("0.0.0.0:8080", "0.0.0.0:8443", "port of its own"),
            ("0.0.0.0:8080", "127.0.0.1:8443", "port of its own"),
            ("#crl_shards = 8", "crl_shards = 0", "crl_shards"),
            ("#rsa_bits = 3072", "rsa_bits = 1024", "rsa_bits"),
            ("#dnssec = \"upstream\"", "dnssec = \"on\"", "dns.dnssec"),
            ("#idle_seconds = 60", "idle_seconds = 0", "connections"),
            ("#reach = [\"10.1.0.0/16\"]", "reach = [\"home\"]", "reach"),
            ("#catalogue = \"products.toml\"", "catalogue = \"none.toml\"", "none.toml"),
            ("#identities = [\"ca.example.com\"]", "identities = [\"?\"]", "identities"),
            ("listen_http", "listen_htpt", "listen_htpt"),
        ] {
            let words = refused(change, with);
            assert!(words.contains(word), "{with}: {words}");
        }
    }
}
