//! Handing mails to a mail server.
//!
//! The SMTP client is lettre's; the connections are kept here and not in lettre's own pool, for three reasons. A mail
//! has to end in bounded time, and that pool waits for a silent server without limit. A delivery that is given up half
//! way leaves a connection in the middle of a mail, which must not be used again. And without `TCP_NODELAY` every mail
//! over a kept connection waits 40 ms for an acknowledgement.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Category, Code};
use store::mails::Outgoing;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::text::line;

/// How the way to the mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SmtpTls {
    /// Not at all: a server on the same machine or in the sandbox.
    None,
    /// Turned on within the conversation, and demanded (usually port 587).
    #[default]
    StartTls,
    /// From the first byte (usually port 465).
    Tls,
}

/// Which mail server, and how to talk to it.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Protection of the connection.
    pub tls: SmtpTls,
    /// A root in PEM that is trusted besides the system's.
    pub tls_ca: Option<String>,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// The name given in EHLO.
    pub hello_name: String,
    /// Connections at once.
    pub pool_size: usize,
    /// The longest that one mail may take, connecting included.
    pub timeout: Duration,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpSettings({}:{} {:?})", self.host, self.port, self.tls)
    }
}

/// The settings cannot work.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSettings {
    /// A password would cross a network in the clear.
    #[error("a password for a mail server elsewhere needs TLS")]
    PasswordInTheClear,
    /// A root that is none, or no usable roots.
    #[error("TLS to the mail server cannot be set up: {0}")]
    Tls(String),
}

/// Why a mail was not sent. The words are for the log and for the mail's row, cut to one short line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The server will never take it, or nobody could: give up.
    #[error("refused: {0}")]
    Permanent(String),
    /// It may go better later: try again. A mail may arrive twice when the server fell silent after taking it.
    #[error("not sent yet: {0}")]
    Transient(String),
}

impl SendError {
    /// Whether to give up.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, SendError::Permanent(_))
    }
}

/// Sends mails over a few kept connections. Shared; call [`Sender::send`] from as many tasks as there are.
pub struct Sender {
    host: String,
    port: u16,
    tls: SmtpTls,
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    limit: Duration,
    connections: usize,
    slots: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({}:{} {:?})", self.host, self.port, self.tls)
    }
}

impl Sender {
    /// A sender by these settings; nothing is connected yet.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(settings: &SmtpSettings) -> Result<Self, BadSettings> {
        let protected = settings.tls != SmtpTls::None;
        if settings.credentials.is_some() && !protected && !is_this_machine(&settings.host) {
            return Err(BadSettings::PasswordInTheClear);
        }
        let parameters = if protected { Some(tls_parameters(settings)?) } else { None };
        let credentials = settings.credentials.clone();
        let connections = settings.pool_size.clamp(1, 1_000);
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            tls: settings.tls,
            parameters,
            credentials: credentials.map(|(user, password)| Credentials::new(user, password)),
            hello: hello(&settings.hello_name),
            limit: settings.timeout,
            connections,
            slots: Semaphore::new(connections),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// How many mails it hands over at the same time.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Hands a mail over, as it is stored. Dropping the future gives the attempt up and closes its connection.
    ///
    /// # Errors
    /// [`SendError`], which says whether another attempt makes sense.
    pub async fn send(&self, mail: &Outgoing) -> Result<(), SendError> {
        let envelope = envelope(mail)?;
        let attempt = async {
            let Ok(_slot) = self.slots.acquire().await else {
                return Err(SendError::Transient("shutting down".to_owned()));
            };
            let mut connection = self.connection().await?;
            // The client ends every message with a line end of its own.
            let message = mail.message.strip_suffix(b"\r\n").unwrap_or(&mail.message);
            connection.send(&envelope, message).await.map_err(|e| judge(&e))?;
            Ok(connection)
        };
        match timeout(self.limit, attempt).await {
            Ok(Ok(connection)) => {
                self.idle().push((connection, Instant::now()));
                Ok(())
            }
            Ok(Err(e)) => Err(e),
            Err(_) => Err(SendError::Transient("the mail server took too long".to_owned())),
        }
    }

    /// A kept connection that still answers, else a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        loop {
            let kept = self.idle().pop();
            let Some((mut connection, since)) = kept else { break };
            let quiet = since.elapsed();
            if quiet < SURELY_OPEN {
                return Ok(connection);
            }
            let asked = timeout(ANSWERS_WITHIN, connection.test_connected());
            if quiet < KEPT && matches!(asked.await, Ok(true)) {
                return Ok(connection);
            }
        }
        // Whatever goes wrong before there is a mail on the table is no fault of the mail's.
        self.connect().await.map_err(|e| SendError::Transient(e.into_text()))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let server = (self.host.as_str(), self.port);
        let tls = self.parameters.clone();
        let mut connection = if self.tls == SmtpTls::Tls {
            let limit = Some(self.limit);
            AsyncSmtpConnection::connect_tokio1(server, limit, &self.hello, tls, None).await?
        } else {
            let stream = TcpStream::connect(server).await?;
            stream.set_nodelay(true)?;
            let stream = Box::new(stream);
            let mut connection =
                AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await?;
            if let Some(tls) = tls {
                connection.starttls(tls, &self.hello).await?;
            }
            connection
        };
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can go wrong while connecting.
enum Trouble {
    Network(std::io::Error),
    Smtp(lettre::transport::smtp::Error),
}

impl Trouble {
    fn into_text(self) -> String {
        match self {
            Trouble::Network(e) => line(&e.to_string(), WORDS),
            Trouble::Smtp(e) => line(&e.to_string(), WORDS),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(e: std::io::Error) -> Self {
        Trouble::Network(e)
    }
}

impl From<lettre::transport::smtp::Error> for Trouble {
    fn from(e: lettre::transport::smtp::Error) -> Self {
        Trouble::Smtp(e)
    }
}

/// Only a refusal of this mail is final. That the server wants another login or knows a command not (x0x but for bad
/// addresses, 53x) is a matter of settings, and the mails wait for these to be mended.
fn judge(e: &lettre::transport::smtp::Error) -> SendError {
    let words = line(&e.to_string(), WORDS);
    let settings = |code: Code| {
        let detail = code.detail as u8;
        match code.category {
            Category::Syntax => detail != 1,
            Category::Unspecified3 => true,
            _ => false,
        }
    };
    match e.status() {
        Some(code) if e.is_permanent() && !settings(code) => SendError::Permanent(words),
        _ => SendError::Transient(words),
    }
}

fn envelope(mail: &Outgoing) -> Result<Envelope, SendError> {
    let bad = || SendError::Permanent("the mail has no usable address".to_owned());
    let address = |text: &str| text.parse::<Address>().map_err(|_| bad());
    let sender = if mail.sender.is_empty() { None } else { Some(address(&mail.sender)?) };
    Envelope::new(sender, vec![address(&mail.recipient)?]).map_err(|_| bad())
}

fn tls_parameters(settings: &SmtpSettings) -> Result<TlsParameters, BadSettings> {
    let failed = |e: lettre::transport::smtp::Error| BadSettings::Tls(line(&e.to_string(), WORDS));
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.tls_ca {
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(BadSettings::Tls("the root is not a certificate in PEM".to_owned()));
        }
        let root = Certificate::from_pem(pem.as_bytes()).map_err(failed)?;
        builder = builder.add_root_certificate(root);
    }
    builder.build_rustls().map_err(failed)
}

fn hello(name: &str) -> ClientId {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    match name.parse() {
        Ok(std::net::IpAddr::V4(ip)) => ClientId::Ipv4(ip),
        Ok(std::net::IpAddr::V6(ip)) => ClientId::Ipv6(ip),
        Err(_) if !name.is_empty() && name.chars().all(fits) => ClientId::Domain(name.to_owned()),
        Err(_) => ClientId::Domain("localhost".to_owned()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback || host.eq_ignore_ascii_case("localhost")
}

/// A connection used this lately is not asked whether it still answers.
const SURELY_OPEN: Duration = Duration::from_millis(500);
/// Connections quiet for longer are closed.
const KEPT: Duration = Duration::from_secs(30);
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
const WORDS: usize = 300;

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
