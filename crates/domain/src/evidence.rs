//! What was asked of the outside world and what came back. Plain data: it proves nothing until [`crate::proof`] has judged it.

use std::net::IpAddr;

use crate::dcv::AddressSource;
use crate::mail_address::MailAddress;
use crate::names::{CertName, DnsName};
use crate::time::Time;

/// How a file is fetched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// Port 80 first.
    Http,
    /// Port 443 first. The site's certificate is not judged: the customer is about to get one.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// A question to the outside world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Question {
    /// Fetch `scheme://host/path`.
    File {
        /// http or https.
        scheme: Scheme,
        /// A DNS name or an IP address, never a wildcard.
        host: CertName,
        /// Absolute path.
        path: String,
    },
    /// Where does the CNAME record at `owner` point to?
    Cname {
        /// `_<md5>.<adn>`.
        owner: String,
        /// The authorization domain name under which it stands.
        adn: DnsName,
    },
    /// Which TXT records stand at `owner`?
    Txt {
        /// `_pki-validation.<adn>`.
        owner: String,
        /// The authorization domain name under which it stands.
        adn: DnsName,
    },
    /// Was the code of the mail entered? Asked of a person.
    Code {
        /// The authorization domain name of the address.
        adn: DnsName,
        /// Why the address stands for it.
        source: AddressSource,
    },
    /// Was the code of the mail to this mailbox entered? Asked of a person.
    MailboxCode {
        /// The mailbox.
        mailbox: MailAddress,
    },
}

impl Question {
    /// The name for which a satisfying answer shows control: the authorization domain name, or the very host of a file.
    #[must_use]
    pub fn proves(&self) -> CertName {
        match self {
            Question::File { host, .. } => host.clone(),
            Question::Cname { adn, .. }
            | Question::Txt { adn, .. }
            | Question::Code { adn, .. } => CertName::Dns(adn.clone()),
            Question::MailboxCode { mailbox } => CertName::Mail(mailbox.clone()),
        }
    }

    /// The section of the Baseline Requirements (those for S/MIME of a mailbox) under which an answer is recorded.
    #[must_use]
    pub fn br_section(&self) -> &'static str {
        match self {
            Question::File { host: CertName::Ip(_), .. } => "3.2.2.5.1",
            Question::File { .. } => "3.2.2.4.18",
            Question::Cname { .. } | Question::Txt { .. } => "3.2.2.4.7",
            Question::Code { source: AddressSource::Constructed, .. } => "3.2.2.4.4",
            Question::Code { source: AddressSource::Caa, .. } => "3.2.2.4.13",
            Question::Code { source: AddressSource::Txt, .. } => "3.2.2.4.14",
            Question::MailboxCode { .. } => "S/MIME 3.2.2.2",
        }
    }

    /// The question in words, for records and pages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Question::File { scheme, host, path } => format!("{}://{host}{path}", scheme.as_str()),
            Question::Cname { owner, .. } => format!("{owner}. CNAME"),
            Question::Txt { owner, .. } => format!("{owner}. TXT"),
            Question::Code { adn, .. } => format!("code mailed for {adn}"),
            Question::MailboxCode { mailbox } => format!("code mailed to {mailbox}"),
        }
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A file, or what the server said in its place.
    File(FetchedFile),
    /// The targets of the CNAME record found at the owner itself.
    Cname(Vec<String>),
    /// TXT records, each with its strings joined.
    Txt(Vec<String>),
    /// A code typed in, or brought by the mail's link.
    Code {
        /// To whom the mail went.
        address: MailAddress,
        /// What was entered.
        code: String,
    },
    /// The name or the record is not there.
    NotThere,
    /// No answer could be had; never a proof and never a permission.
    Failed(String),
}

/// One HTTP exchange and the redirects before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedFile {
    /// Status of the last answer.
    pub status: u16,
    /// Body, cut at the limit.
    pub body: Vec<u8>,
    /// URLs asked, in order; the last one gave the body.
    pub urls: Vec<String>,
    /// Address of the server that gave the body.
    pub from: Option<IpAddr>,
}

/// A question, its answer, and the circumstances.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// What was asked.
    pub question: Question,
    /// What came back.
    pub answer: Answer,
    /// When, by business time.
    pub at: Time,
    /// Through whom: the resolver that answered with the aliases that led there, the server, or the address of the
    /// person's browser.
    pub via: String,
}

/// One CAA record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaaRecord {
    /// The issuer-critical flag.
    pub critical: bool,
    /// The property's tag, as written.
    pub tag: String,
    /// The property's value, as written.
    pub value: String,
}

/// The relevant CAA record set of a name (RFC 8659 section 3), found by climbing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaaEvidence {
    /// The name for which it was sought, without asterisk.
    pub name: DnsName,
    /// Where the set was found; None when no name up to the top has one.
    pub found_at: Option<String>,
    /// The set.
    pub records: Vec<CaaRecord>,
    /// Why no answer could be had; such evidence never permits.
    pub failed: Option<String>,
    /// Through whom: the resolver that answered last, and the aliases that led to the set.
    pub via: String,
    /// When it was sought, by business time.
    pub at: Time,
    /// How long it may be used: the greater of TTL and 8 hours (BR 4.2.2.1).
    pub usable_until: Time,
}
