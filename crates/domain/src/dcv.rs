//! Domain control validation: methods, request tokens, what is asked, and whether an answer satisfies.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::csr::CsrDigests;
use crate::evidence::{Answer, Evidence, Question, Scheme};
use crate::mail_address::MailAddress;
use crate::names::{CertName, DnsName};

/// How control of a domain name or of a mailbox is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DcvMethod {
    /// A code sent by mail (BR 3.2.2.4.4, .13, .14).
    Email,
    /// A file fetched over http (BR 3.2.2.4.18).
    HttpCsrHash,
    /// A file fetched over https (BR 3.2.2.4.18).
    HttpsCsrHash,
    /// A CNAME record (BR 3.2.2.4.7).
    CnameCsrHash,
    /// A TXT record with a random value (BR 3.2.2.4.7).
    DnsTxtRandomValue,
    /// A code sent to the very mailbox (S/MIME BR 3.2.2.2). No `dcvMethod`: S/MIME orders have no other.
    Mailbox,
}

impl DcvMethod {
    /// All of them.
    pub const ALL: [DcvMethod; 6] = [
        DcvMethod::Email,
        DcvMethod::HttpCsrHash,
        DcvMethod::HttpsCsrHash,
        DcvMethod::CnameCsrHash,
        DcvMethod::DnsTxtRandomValue,
        DcvMethod::Mailbox,
    ];

    /// The word of `dcvMethod`, and the word under which a row keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DcvMethod::Email => "EMAIL",
            DcvMethod::HttpCsrHash => "HTTP_CSR_HASH",
            DcvMethod::HttpsCsrHash => "HTTPS_CSR_HASH",
            DcvMethod::CnameCsrHash => "CNAME_CSR_HASH",
            DcvMethod::DnsTxtRandomValue => "DNSTXT_RANDOM_VALUE",
            DcvMethod::Mailbox => "MAILBOX",
        }
    }

    /// The token of a list's entry (`HTTPCSRHASH`, with `ALL` before it for the whole list). Mail has none.
    #[must_use]
    pub fn from_list_token(token: &str) -> Option<DcvMethod> {
        match token {
            "HTTPCSRHASH" => Some(DcvMethod::HttpCsrHash),
            "HTTPSCSRHASH" => Some(DcvMethod::HttpsCsrHash),
            "CNAMECSRHASH" => Some(DcvMethod::CnameCsrHash),
            "DNSTXTRNDVAL" => Some(DcvMethod::DnsTxtRandomValue),
            _ => None,
        }
    }

    /// True for the methods whose token is derived from the request (uniqueValue matters).
    #[must_use]
    pub fn uses_request_token(self) -> bool {
        matches!(self, DcvMethod::HttpCsrHash | DcvMethod::HttpsCsrHash | DcvMethod::CnameCsrHash)
    }

    /// Whether the method may prove such a name: files prove neither wildcards nor names below (BR 3.2.2.4.18), records and
    /// mail prove no IP address (BR 3.2.2.5). A mailbox is proven by its own mail and by nothing else here.
    #[must_use]
    pub fn fits(self, name: &CertName) -> bool {
        let file = matches!(self, DcvMethod::HttpCsrHash | DcvMethod::HttpsCsrHash);
        match name {
            CertName::Dns(_) => self != DcvMethod::Mailbox,
            CertName::Wildcard(_) => !file && self != DcvMethod::Mailbox,
            CertName::Ip(_) => file,
            CertName::Mail(_) => self == DcvMethod::Mailbox,
        }
    }
}

impl FromStr for DcvMethod {
    type Err = NotAMethod;

    fn from_str(text: &str) -> Result<Self, NotAMethod> {
        Self::ALL.into_iter().find(|m| m.as_str().eq_ignore_ascii_case(text)).ok_or(NotAMethod)
    }
}

impl fmt::Display for DcvMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a domain control validation method")]
pub struct NotAMethod;

/// 1 to 20 ASCII letters and digits that make a request token unique.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UniqueValue(Box<str>);

impl UniqueValue {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling by which values are told apart: proofs are compared in either case, so that two values which differ in
    /// case alone make one request token.
    #[must_use]
    pub fn in_tokens(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Eight letters and digits made from eight random bytes: the form that the CA itself hands out.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let text: String =
            bytes.iter().map(|b| char::from(ALPHABET[usize::from(*b) % 62])).collect();
        Self(text.into())
    }
}

impl FromStr for UniqueValue {
    type Err = NotAUniqueValue;

    fn from_str(text: &str) -> Result<Self, NotAUniqueValue> {
        let fits =
            (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.into())) } else { Err(NotAUniqueValue) }
    }
}

/// The text is not 1 to 20 letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a unique value is 1 to 20 letters and digits")]
pub struct NotAUniqueValue;

/// A request token: digests of the request and, if the order has one, its unique value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestToken {
    /// MD5 of the request's DER.
    pub md5: [u8; 16],
    /// SHA-256 of the request's DER.
    pub sha256: [u8; 32],
    /// The order's unique value.
    pub unique_value: Option<UniqueValue>,
}

impl RequestToken {
    /// From a request's digests.
    #[must_use]
    pub fn new(digests: &CsrDigests, unique_value: Option<UniqueValue>) -> Self {
        Self { md5: digests.md5, sha256: digests.sha256, unique_value }
    }

    /// `/.well-known/pki-validation/<MD5 in capitals>.txt`.
    #[must_use]
    pub fn file_path(&self) -> String {
        format!("/.well-known/pki-validation/{}.txt", hex::encode(self.md5).to_ascii_uppercase())
    }

    /// The file's content as we tell it to customers: SHA-256, suffix and unique value, a line each.
    #[must_use]
    pub fn file_content(&self, suffix: &str) -> String {
        let mut text = format!("{}\n{suffix}\n", hex::encode(self.sha256));
        if let Some(unique) = &self.unique_value {
            let _ = writeln!(text, "{}", unique.as_str());
        }
        text
    }

    /// `_<md5>`, the record's left-most label.
    #[must_use]
    pub fn cname_label(&self) -> String {
        format!("_{}", hex::encode(self.md5))
    }

    /// The record's target under a suffix.
    #[must_use]
    pub fn cname_target(&self, suffix: &str) -> String {
        let sha = hex::encode(self.sha256);
        let (head, tail) = sha.split_at(32);
        match &self.unique_value {
            Some(unique) => format!("{head}.{tail}.{}.{suffix}", unique.as_str()),
            None => format!("{head}.{tail}.{suffix}"),
        }
    }

    fn matches_file(&self, body: &[u8], suffixes: &[String]) -> bool {
        let text = String::from_utf8_lossy(body);
        let mut words = text.trim_start_matches('\u{feff}').split_whitespace();
        let sha = words.next().is_some_and(|w| w.eq_ignore_ascii_case(&hex::encode(self.sha256)));
        let suffix =
            words.next().is_some_and(|w| suffixes.iter().any(|s| s.eq_ignore_ascii_case(w)));
        let unique = match &self.unique_value {
            Some(value) => words.next().is_some_and(|w| w.eq_ignore_ascii_case(value.as_str())),
            None => true,
        };
        sha && suffix && unique && words.next().is_none()
    }

    /// Whether a URL tells the token: who asks for it so may be told it by a page that only echoes (BR 3.2.2.4.18).
    fn is_in(&self, url: &str) -> bool {
        url.to_ascii_lowercase().contains(&hex::encode(self.sha256))
    }

    fn matches_target(&self, target: &str, suffixes: &[String]) -> bool {
        let target = target.strip_suffix('.').unwrap_or(target);
        suffixes.iter().any(|s| self.cname_target(s).eq_ignore_ascii_case(target))
    }
}

/// What has to be shown for one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Challenge {
    /// A file with the request token, fetched by this scheme.
    File(Scheme, RequestToken),
    /// A CNAME record with the request token.
    Cname(RequestToken),
    /// A TXT record with this random value.
    Txt(RandomValue),
    /// The code of the mail sent to this address.
    Mail(MailAddress, RandomValue),
    /// The code of the mail sent to the mailbox that is to be certified.
    Mailbox(MailAddress, RandomValue),
}

/// A random value of at least 112 bits, printable, with the moment it was made: usable for [`RANDOM_VALUE_AGE`], of a mailbox for
/// [`MAILBOX_CODE_AGE`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RandomValue {
    /// The text that is shown or sent.
    pub text: String,
    /// When it was made.
    pub made: crate::time::Time,
}

impl Challenge {
    /// What to ask for a name, best first; nothing for mail, which is answered by a person.
    #[must_use]
    pub fn questions(&self, name: &CertName) -> Vec<Question> {
        let owners = |label: &str| {
            let adns = name.dns().map(DnsName::authorization_names).unwrap_or_default();
            adns.into_iter().map(|adn| (adn.below(label), adn)).collect::<Vec<_>>()
        };
        match self {
            Challenge::File(scheme, token) => vec![Question::File {
                scheme: *scheme,
                host: name.clone(),
                path: token.file_path(),
            }],
            Challenge::Cname(token) => owners(&token.cname_label())
                .into_iter()
                .map(|(owner, adn)| Question::Cname { owner, adn })
                .collect(),
            Challenge::Txt(_) => owners("_pki-validation")
                .into_iter()
                .map(|(owner, adn)| Question::Txt { owner, adn })
                .collect(),
            Challenge::Mail(..) | Challenge::Mailbox(..) => Vec::new(),
        }
    }

    /// Whether this evidence, collected for one of [`Challenge::questions`], shows control. `suffixes` are the CA's own
    /// domains in a token (`sectigo.com`, `comodoca.com` and the operator's).
    #[must_use]
    pub fn is_met_by(&self, evidence: &Evidence, suffixes: &[String]) -> bool {
        match (self, &evidence.answer) {
            (Challenge::File(_, token), Answer::File(file)) => {
                (200..300).contains(&file.status)
                    && token.matches_file(&file.body, suffixes)
                    && !file.urls.iter().any(|url| token.is_in(url))
            }
            (Challenge::Cname(token), Answer::Cname(targets)) => {
                targets.iter().any(|t| token.matches_target(t, suffixes))
            }
            (Challenge::Txt(value), Answer::Txt(texts)) => {
                texts.iter().any(|t| t.trim() == value.text)
                    && evidence.at.since(value.made) <= RANDOM_VALUE_AGE
            }
            (Challenge::Mail(address, value), Answer::Code { address: sent_to, code }) => {
                address == sent_to
                    && same_secret(code, &value.text)
                    && evidence.at.since(value.made) <= RANDOM_VALUE_AGE
            }
            (Challenge::Mailbox(mailbox, value), Answer::Code { address: sent_to, code }) => {
                mailbox == sent_to
                    && same_secret(code, &value.text)
                    && evidence.at.since(value.made) <= MAILBOX_CODE_AGE
            }
            _ => false,
        }
    }
}

/// How long a random value may be used: 30 days (BR 3.2.2.4).
pub const RANDOM_VALUE_AGE: i64 = 30 * crate::time::DAY;

/// How long the code of a mailbox may be used: 24 hours (S/MIME BR 3.2.2.2).
pub const MAILBOX_CODE_AGE: i64 = crate::time::DAY;

/// Compares two secrets in a time that does not tell where they part.
#[must_use]
pub fn same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

/// Why a mail address stands for a domain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AddressSource {
    /// It is made of the domain's own name (BR 3.2.2.4.4).
    Constructed,
    /// The domain's CAA set names it (BR 3.2.2.4.13).
    Caa,
    /// A TXT record of the domain names it (BR 3.2.2.4.14).
    Txt,
}

impl AddressSource {
    /// All of them.
    pub const ALL: [AddressSource; 3] =
        [AddressSource::Constructed, AddressSource::Caa, AddressSource::Txt];

    /// As it is kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AddressSource::Constructed => "constructed",
            AddressSource::Caa => "caa",
            AddressSource::Txt => "txt",
        }
    }
}

impl FromStr for AddressSource {
    type Err = NotASource;

    fn from_str(text: &str) -> Result<Self, NotASource> {
        Self::ALL.into_iter().find(|source| source.as_str() == text).ok_or(NotASource)
    }
}

/// The text names no source of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a source of mail addresses")]
pub struct NotASource;

/// What stands before the `@` of an address that may stand for a domain without being asked for (BR 3.2.2.4.4).
pub const CONSTRUCTED: [&str; 5] =
    ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];

/// The constructed addresses of one authorization domain name.
#[must_use]
pub fn constructed_addresses(adn: &DnsName) -> Vec<MailAddress> {
    CONSTRUCTED.iter().filter_map(|local| format!("{local}@{adn}").parse().ok()).collect()
}

/// Whether so many `new` mails with codes may follow those that an order of so many names has had within a day: ten for one name,
/// three more for each further one. Who reads the mailbox of a domain has not asked for them.
#[must_use]
pub fn may_mail(names: usize, before: usize, new: usize) -> bool {
    before.saturating_add(new) <= names.saturating_mul(3).saturating_add(7)
}
