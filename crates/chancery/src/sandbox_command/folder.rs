//! The sandbox's folder: ports, credentials, TLS, roots. Everything that has to be the same at the next start.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde::{Deserialize, Serialize};
use server::app::issue::Authority;
use server::demo::{self, DemoAccount};

/// The folder, held against other sandboxes as long as this lives.
pub struct Folder {
    path: PathBuf,
    /// The system frees it when the process ends, however it ends.
    _lock: File,
}

/// The six ports, chosen once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ports {
    /// The partner interface with TLS.
    pub api: SocketAddr,
    /// The same without TLS; CRLs and CA certificates.
    pub http: SocketAddr,
    /// The pages.
    pub web: SocketAddr,
    /// The control API.
    pub control: SocketAddr,
    /// The fake DNS.
    pub dns: SocketAddr,
    /// The mailbox.
    pub smtp: SocketAddr,
}

/// The line that says that everything is ready, in this order.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    api: String,
    http: String,
    web: String,
    control: String,
    dns: String,
    smtp: String,
    tls_ca: String,
    roots: String,
    test_roots: String,
    accounts: Vec<ReadyAccount<'a>>,
}

/// An account of the ready line, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadyAccount<'a> {
    login_name: &'a str,
    login_password: &'a str,
    role: &'a str,
    brand: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Credentials {
    passphrase: String,
    accounts: Vec<Account>,
}

#[derive(Serialize, Deserialize)]
struct Account {
    login_name: String,
    password: String,
    brand: String,
}

impl Folder {
    /// Opens the folder, or makes it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let path = fs::canonicalize(path)?;
        let folder = Self { _lock: lock(&path)?, path };
        if !folder.path("credentials.json").exists() {
            let accounts = demo::fresh_accounts().into_iter();
            let accounts = accounts.map(|a| Account {
                login_name: a.login_name,
                password: a.password,
                brand: a.brand,
            });
            let fresh =
                Credentials { passphrase: demo::fresh_password(), accounts: accounts.collect() };
            folder.write("credentials.json", &serde_json::to_vec_pretty(&fresh)?)?;
        }
        if !folder.path("tls.pem").exists() {
            folder.make_tls()?;
        }
        Ok(folder)
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The ports of the last start; free ones for a new folder.
    pub fn ports(&self) -> anyhow::Result<Ports> {
        match fs::read(self.path("ports.json")) {
            Ok(kept) => serde_json::from_slice(&kept).context("ports.json"),
            Err(_) => {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                Ok(Ports { api: any, http: any, web: any, control: any, dns: any, smtp: any })
            }
        }
    }

    /// Keeps the ports for the next start.
    pub fn keep_ports(&self, ports: &Ports) -> anyhow::Result<()> {
        self.write("ports.json", &serde_json::to_vec_pretty(ports)?)
    }

    /// The demo accounts.
    pub fn accounts(&self) -> anyhow::Result<Vec<DemoAccount>> {
        let accounts = self.credentials()?.accounts.into_iter();
        let account = |a: Account| DemoAccount {
            login_name: a.login_name,
            password: a.password,
            brand: a.brand,
        };
        Ok(accounts.map(account).collect())
    }

    /// The passphrase of the CA keys.
    pub fn passphrase(&self) -> anyhow::Result<String> {
        Ok(self.credentials()?.passphrase)
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let text = fs::read(self.path("credentials.json"))?;
        serde_json::from_slice(&text).context("credentials.json")
    }

    /// The API's chain and key, PEM.
    pub fn tls(&self) -> anyhow::Result<(String, String)> {
        let read = |name: &str| fs::read_to_string(self.path(name)).context(name.to_owned());
        Ok((read("tls.pem")?, read("tls.key")?))
    }

    /// Writes the roots of live and of test orders.
    pub fn write_roots(&self, authority: &Authority) -> anyhow::Result<()> {
        self.write("roots.pem", authority.roots_pem(false).as_bytes())?;
        self.write("test-roots.pem", authority.roots_pem(true).as_bytes())
    }

    /// The one line that says that everything is ready.
    pub fn ready_line(&self, ports: &Ports, accounts: &[DemoAccount]) -> String {
        let at = |name: &str| self.path(name).display().to_string();
        let accounts: Vec<_> = accounts
            .iter()
            .map(|a| ReadyAccount {
                login_name: &a.login_name,
                login_password: &a.password,
                role: &a.login_name,
                brand: &a.brand,
            })
            .collect();
        let ready = Ready {
            ready: true,
            api: format!("https://{}", ports.api),
            http: format!("http://{}", ports.http),
            web: format!("https://localhost:{}", ports.web.port()),
            control: format!("http://{}", ports.control),
            dns: ports.dns.to_string(),
            smtp: ports.smtp.to_string(),
            tls_ca: at("tls-ca.pem"),
            roots: at("roots.pem"),
            test_roots: at("test-roots.pem"),
            accounts,
        };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    fn make_tls(&self) -> anyhow::Result<()> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Chancery Sandbox TLS");
        let key = KeyPair::generate()?;
        let ca = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);

        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into()?),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &issuer)?;
        self.write("tls-ca.pem", ca.pem().as_bytes())?;
        self.write("tls.key", key.serialize_pem().as_bytes())?;
        // The last one: its presence says that all are there. The CA's key is thrown away.
        self.write("tls.pem", format!("{}{}", leaf.pem(), ca.pem()).as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside).with_context(|| beside.display().to_string())?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, &path).with_context(|| path.display().to_string())
    }
}

/// Two that set up one folder would each keep a half of it.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("sandbox.lock");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another sandbox is running with the folder {}; stop it, or name another folder with --dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}
