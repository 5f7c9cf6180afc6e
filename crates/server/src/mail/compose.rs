//! Mails from their facts. Pure: see [`super`].
//!
//! Every mail is ASCII on the wire, whatever its texts hold: 7bit where that suffices, else quoted-printable or base64.
//! What comes from an order (names, products, templates) reaches a header only as one line without control characters.

use std::time::{Duration, SystemTime};

use domain::certificate::{AccountId, OrderNumber, Validity};
use domain::mail_address::MailAddress;
use domain::names::{CertName, DnsName};
use domain::order_ssl::Language;
use domain::time::Time;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, HeaderName, HeaderValue, Headers, MimeVersion,
    Subject,
};
use lettre::message::{Attachment, Body, Mailbox, Mailboxes, MultiPart, SinglePart};
use minijinja::context;
use minijinja::value::Value;
use sha2::{Digest as _, Sha256};
use store::mails::{NewMail, Template};

use super::custom::{self, Kind};
use super::text::{body, line, zip_name};
use super::texts::{self, Rendered};

/// Who our mails are from.
#[derive(Clone, Debug)]
pub struct From {
    mailbox: Mailbox,
    envelope: MailAddress,
    host: String,
}

/// The sender's address is none that mail programs take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an address that mail can be sent from")]
pub struct BadSender;

impl From {
    /// A sender: the name and address that a reader sees, and the address that bounces go to (the same if None).
    ///
    /// # Errors
    /// [`BadSender`] when the address is none for the mail library.
    pub fn new(
        name: &str,
        address: &MailAddress,
        bounces: Option<&MailAddress>,
    ) -> Result<Self, BadSender> {
        let name = Some(line(name, 100)).filter(|name| !name.is_empty());
        let mailbox = address.as_str().parse().map_err(|_| BadSender)?;
        Ok(Self {
            mailbox: Mailbox::new(name, mailbox),
            envelope: bounces.unwrap_or(address).clone(),
            host: address.domain().to_owned(),
        })
    }
}

/// What a mail that asks for confirmation of a domain says.
#[derive(Clone, Debug)]
pub struct DcvMail<'a> {
    /// On whose account.
    pub account: AccountId,
    /// The order.
    pub order: OrderNumber,
    /// The authorization domain that is confirmed.
    pub domain: &'a DnsName,
    /// The names of the order that this confirmation covers.
    pub names: &'a [CertName],
    /// To whom.
    pub address: &'a MailAddress,
    /// The code.
    pub code: &'a str,
    /// The page that takes the code ([`dcv_links`]).
    pub link: &'a str,
    /// The page that declines.
    pub reject_link: &'a str,
    /// Under which name the authority appears.
    pub brand: &'a str,
    /// Until when the code works.
    pub expires: Time,
    /// Language of the built-in text.
    pub language: Language,
    /// The account's own text.
    pub template: Option<&'a Template>,
}

/// What a mail that hands over a certificate says.
#[derive(Clone, Debug)]
pub struct CertificateMail<'a> {
    /// On whose account.
    pub account: AccountId,
    /// The order.
    pub order: OrderNumber,
    /// The product's name, with or without "Certificate" behind it.
    pub product: &'a str,
    /// The common name, or the first name.
    pub name: &'a str,
    /// The certificate in PEM.
    pub pem: &'a str,
    /// The ZIP with certificate and chain.
    pub zip: &'a [u8],
    /// The ZIP's file name.
    pub zip_name: &'a str,
    /// First moment of validity.
    pub not_before: Time,
    /// Last moment of validity.
    pub not_after: Time,
    /// To whom.
    pub recipient: &'a MailAddress,
    /// Under which name the authority appears.
    pub brand: &'a str,
    /// Language of the built-in text.
    pub language: Language,
    /// The account's own text.
    pub template: Option<&'a Template>,
}

/// What a mail of an S/MIME order says.
#[derive(Clone, Debug)]
pub struct SmimeLetter<'a> {
    /// On whose account.
    pub account: AccountId,
    /// The order.
    pub order: OrderNumber,
    /// The product's name.
    pub product: &'a str,
    /// The mailbox that is certified.
    pub mailbox: &'a MailAddress,
    /// To whom.
    pub recipient: &'a MailAddress,
    /// Under which name the authority appears.
    pub brand: &'a str,
    /// Language of the built-in text.
    pub language: Language,
    /// The account's own text.
    pub template: Option<&'a Template>,
    /// The page it leads to.
    pub link: &'a str,
    /// Which mail it is.
    pub says: SmimeSays<'a>,
}

/// What the mails of an S/MIME order do not have in common.
#[derive(Clone, Copy, Debug)]
pub enum SmimeSays<'a> {
    /// Asks the mailbox for confirmation.
    Verification {
        /// The code.
        code: &'a str,
        /// Until when it works.
        expires: Time,
    },
    /// Tells of an order whose key is made later.
    Request,
    /// Leads to the certificate, or to the page where its key is made.
    Collection {
        /// The certificate's, once there is one.
        issued: Option<Validity>,
    },
}

/// The page that takes the code of a mailbox, below the web's base address: in that language, as it looks nothing up.
#[must_use]
pub fn mailbox_link(base: &str, order: OrderNumber, code: &str, language: Language) -> String {
    let (base, code) = (base.trim_end_matches('/'), in_query(code));
    let language = language.code();
    format!(
        "{base}/products/EnterSMIMECode?orderNumber={order}&code={code}&languageName={language}"
    )
}

/// The page where an S/MIME certificate is collected.
#[must_use]
pub fn collection_link(base: &str, code: &str) -> String {
    format!("{}/products/SMIMECollection?code={}", base.trim_end_matches('/'), in_query(code))
}

/// A mail of an S/MIME order.
#[must_use]
pub fn compose_smime(mail: &SmimeLetter<'_>, from: &From, now: Time) -> NewMail {
    let common = context! {
        order => mail.order.0,
        product => line(mail.product, 100),
        mailbox => mail.mailbox.as_str(),
        brand => line(mail.brand, 100),
        link => line(mail.link, 2_000),
    };
    let (kind, own) = match mail.says {
        SmimeSays::Verification { code, expires } => {
            let expires = expires.format("%Y-%m-%d %H:%M UTC");
            (Kind::SmimeVerification, context! { code => line(code, 200), expires })
        }
        SmimeSays::Request => (Kind::SmimeRequest, context! {}),
        SmimeSays::Collection { issued } => {
            let date =
                |pick: fn(Validity) -> Time| issued.map_or(String::new(), |v| pick(v).date());
            let vars = context! {
                issued => issued.is_some(),
                not_before => date(|v| v.not_before),
                not_after => date(|v| v.not_after),
            };
            (Kind::SmimeCollection, vars)
        }
    };
    let vars = context! { ..common, ..own };
    let texts = texts_of(kind, mail.language, mail.template, &vars);
    let about = About { kind, account: mail.account, order: mail.order, to: mail.recipient, now };
    about.message(from, texts, None)
}

/// The addresses of the two pages of a mail, below the web's base address (`https://ca.example.net`, a slash at its end or
/// not): the one that takes the code, the one that declines.
#[must_use]
pub fn dcv_links(base: &str, order: OrderNumber, code: &str) -> (String, String) {
    let base = base.trim_end_matches('/');
    let code = in_query(code);
    let link = |page: &str| format!("{base}/products/{page}?orderNumber={order}&dcvCode={code}");
    (link("EnterDCVCode"), link("RejectDCVCode"))
}

/// The mail that asks whoever answers for a domain to confirm an order.
#[must_use]
pub fn compose_dcv(mail: &DcvMail<'_>, from: &From, now: Time) -> NewMail {
    let shown: Vec<String> = mail.names.iter().take(NAMES_SHOWN).map(ToString::to_string).collect();
    let vars = context! {
        order => mail.order.0,
        domain => mail.domain.as_str(),
        more_names => mail.names.len() - shown.len(),
        names => shown,
        address => mail.address.as_str(),
        code => line(mail.code, 200),
        link => line(mail.link, 2_000),
        reject_link => line(mail.reject_link, 2_000),
        brand => line(mail.brand, 100),
        expires => mail.expires.format("%Y-%m-%d %H:%M UTC"),
    };
    let texts = texts_of(Kind::Dcv, mail.language, mail.template, &vars);
    let about =
        About { kind: Kind::Dcv, account: mail.account, order: mail.order, to: mail.address, now };
    about.message(from, texts, None)
}

/// The mail that hands over a certificate: its text shows it, a ZIP is attached.
#[must_use]
pub fn compose_certificate(mail: &CertificateMail<'_>, from: &From, now: Time) -> NewMail {
    let product = line(mail.product, 100);
    let file = zip_name(mail.zip_name);
    let vars = context! {
        order => mail.order.0,
        product => product.strip_suffix(" Certificate").unwrap_or(&product),
        name => line(mail.name, 300),
        pem => body(mail.pem).trim(),
        not_before => mail.not_before.date(),
        not_after => mail.not_after.date(),
        zip_name => file.as_str(),
        brand => line(mail.brand, 100),
    };
    let texts = texts_of(Kind::Certificate, mail.language, mail.template, &vars);
    let about = About {
        kind: Kind::Certificate,
        account: mail.account,
        order: mail.order,
        to: mail.recipient,
        now,
    };
    about.message(from, texts, Some((file, mail.zip)))
}

/// The account's text if it has one that works, else ours: a mail that somebody waits for is sent in any case.
fn texts_of(kind: Kind, language: Language, own: Option<&Template>, vars: &Value) -> Rendered {
    let own = own.and_then(|template| custom::render(kind, template, vars).ok());
    let Some(mut own) = own else { return texts::render(kind, language, vars) };
    if own.subject.trim().is_empty() {
        own.subject = texts::render(kind, language, vars).subject;
    }
    own
}

/// What every mail has.
struct About<'a> {
    kind: Kind,
    account: AccountId,
    order: OrderNumber,
    to: &'a MailAddress,
    now: Time,
}

impl About<'_> {
    fn message(self, from: &From, texts: Rendered, file: Option<(String, &[u8])>) -> NewMail {
        let subject = line(&texts.subject, 400);
        let (text, html) = (body(&texts.text), body(&texts.html));
        let digest = self.digest(&[
            subject.as_bytes(),
            text.as_bytes(),
            html.as_bytes(),
            file.as_ref().map_or(&[], |(_, bytes)| bytes),
        ]);

        let mut parts = MultiPart::alternative()
            .boundary(format!("{digest}-a"))
            .singlepart(SinglePart::plain(content(text)));
        if !html.trim().is_empty() {
            parts = parts.singlepart(SinglePart::html(content(html)));
        }
        if let Some((name, bytes)) = file {
            parts = MultiPart::mixed()
                .boundary(format!("{digest}-m"))
                .multipart(parts)
                .singlepart(Attachment::new(name).body(bytes.to_vec(), zip_type()));
        }

        let id = format!("<{}.{}.{digest}@{}>", self.order, self.kind.as_str(), from.host);
        let mut message = self.headers(from, &subject, id).to_string().into_bytes();
        message.extend_from_slice(&parts.formatted());
        NewMail {
            account: self.account,
            order: Some(self.order),
            kind: self.kind.as_str(),
            sender: from.envelope.to_string(),
            recipient: self.to.to_string(),
            subject,
            message,
        }
    }

    fn headers(&self, from: &From, subject: &str, id: String) -> Headers {
        let mut headers = Headers::with_capacity(8);
        headers.set(lettre::message::header::From::from(Mailboxes::from(from.mailbox.clone())));
        headers.insert_raw(ascii("To", self.to.to_string()));
        headers.set(Subject::from(subject.to_owned()));
        headers.set(Date::new(system_time(self.now)));
        headers.insert_raw(ascii("Message-ID", id));
        // Keeps answering machines quiet (RFC 3834).
        headers.insert_raw(ascii("Auto-Submitted", "auto-generated".to_owned()));
        headers.set(MimeVersion::default());
        headers
    }

    /// 96 bits of a digest of everything that tells this mail from another.
    fn digest(&self, parts: &[&[u8]]) -> String {
        let mut hash = Sha256::new();
        let numbers = [self.account.0, self.order.0, self.now.ms()];
        numbers.iter().for_each(|n| hash.update(n.to_be_bytes()));
        for part in [self.kind.as_str().as_bytes(), self.to.as_str().as_bytes()].iter().chain(parts)
        {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize().get(..12).unwrap_or_default())
    }
}

/// A body that needs no encoding stays as it is: the library would encode every line beyond 76 characters, and break the
/// links in two for whoever looks at a mail undecoded. A line may have 998 (RFC 5322 2.1.1).
fn content(text: String) -> Body {
    if text.is_ascii() && text.lines().all(|l| l.len() <= 990) {
        let bytes = text.replace('\n', "\r\n").into_bytes();
        return Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit);
    }
    Body::new(text)
}

/// A header whose value is known to be short ASCII without control characters.
fn ascii(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.clone(),
        value,
    )
}

fn zip_type() -> ContentType {
    ContentType::parse("application/zip").unwrap_or(ContentType::TEXT_PLAIN)
}

/// The moment for a Date header, which holds the years 1970 to 9999.
fn system_time(now: Time) -> SystemTime {
    const LAST: u64 = 253_402_300_799;
    let secs = u64::try_from(now.secs()).unwrap_or(0).min(LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

fn in_query(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, b| {
        // An asterisk needs no encoding in a query, and codes may hold some.
        if b.is_ascii_alphanumeric() || b"-._~*".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

const NAMES_SHOWN: usize = 20;

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
