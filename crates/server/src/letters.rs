//! The desk where mails are written: what use cases know about a mail, and what `mail` makes of it.

use domain::certificate::{AccountId, OrderNumber, Validity};
use domain::mail_address::MailAddress;
use domain::names::{CertName, DnsName};
use domain::order_ssl::Language;
use domain::time::Time;
use issuance::collect;
use store::mails::{NewMail, Outgoing, Template};

use crate::app::Failure;
use crate::mail::compose::{self, CertificateMail, DcvMail, From, SmimeLetter, SmimeSays};
use crate::mail::send::{SendError, Sender};

/// What a domain control mail says.
#[derive(Clone, Debug)]
pub struct DcvFacts {
    /// The order.
    pub order: OrderNumber,
    /// The authorization domain name.
    pub domain: DnsName,
    /// The name that was ordered.
    pub name: CertName,
    /// To whom.
    pub address: MailAddress,
    /// The code.
    pub code: String,
    /// Until when the code may be used.
    pub expires: Time,
    /// The brand under which the certificate was sold.
    pub brand: String,
    /// The language.
    pub language: Language,
    /// An operator's text in place of ours.
    pub template: Option<Template>,
}

/// What a certificate mail says.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    /// The order.
    pub order: OrderNumber,
    /// The product's name.
    pub product: String,
    /// The certificate's first name.
    pub name: String,
    /// To whom.
    pub recipient: MailAddress,
    /// The certificate in DER.
    pub leaf: Vec<u8>,
    /// The issuing CA's certificate in DER.
    pub issuer: Vec<u8>,
    /// The language.
    pub language: Language,
    /// From when until when.
    pub validity: Validity,
    /// The brand under which the certificate was sold.
    pub brand: String,
}

/// What a mail of an S/MIME order says.
#[derive(Clone, Debug)]
pub struct SmimeFacts {
    /// The order.
    pub order: OrderNumber,
    /// The product's name.
    pub product: String,
    /// The mailbox that is certified.
    pub mailbox: MailAddress,
    /// To whom.
    pub recipient: MailAddress,
    /// The brand under which the certificate was sold.
    pub brand: String,
    /// The language.
    pub language: Language,
    /// An operator's text in place of ours.
    pub template: Option<Template>,
    /// Which mail.
    pub what: SmimeMail,
}

/// The mails of an S/MIME order.
#[derive(Clone, Debug)]
pub enum SmimeMail {
    /// Asks the mailbox for confirmation.
    Verification {
        /// The code.
        code: String,
        /// Until when it may be used.
        expires: Time,
    },
    /// Tells of an order whose key is made later.
    Request {
        /// The collection code.
        code: String,
    },
    /// Leads to the certificate, or to the page where its key is made.
    Collection {
        /// The collection code.
        code: String,
        /// The certificate's, once there is one.
        issued: Option<Validity>,
    },
}

/// Writes and sends mails.
pub struct Desk {
    from: From,
    public_url: String,
    sender: Option<Sender>,
}

impl Desk {
    /// `public_url` is where the pages are (`https://…`, no slash at the end). Without a sender mails are written and
    /// wait.
    #[must_use]
    pub fn new(from: From, public_url: String, sender: Option<Sender>) -> Self {
        Self { from, public_url, sender }
    }

    /// Whether there is a mail server to hand mails to.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.sender.is_some()
    }

    /// How many mails are handed over at the same time; none without a mail server.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sender.as_ref().map_or(0, Sender::connections)
    }

    /// Where the pages are, without a slash at the end.
    #[must_use]
    pub fn pages(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    /// A domain control mail.
    #[must_use]
    pub fn dcv(&self, account: AccountId, facts: &DcvFacts, now: Time) -> NewMail {
        let (link, reject_link) = compose::dcv_links(&self.public_url, facts.order, &facts.code);
        let letter = DcvMail {
            account,
            order: facts.order,
            domain: &facts.domain,
            names: std::slice::from_ref(&facts.name),
            address: &facts.address,
            code: &facts.code,
            link: &link,
            reject_link: &reject_link,
            brand: &facts.brand,
            expires: facts.expires,
            language: facts.language,
            template: facts.template.as_ref(),
        };
        compose::compose_dcv(&letter, &self.from, now)
    }

    /// A mail of an S/MIME order.
    #[must_use]
    pub fn smime(&self, account: AccountId, facts: &SmimeFacts, now: Time) -> NewMail {
        let (link, says) = match &facts.what {
            SmimeMail::Verification { code, expires } => (
                compose::mailbox_link(&self.public_url, facts.order, code, facts.language),
                SmimeSays::Verification { code, expires: *expires },
            ),
            SmimeMail::Request { code } => {
                (compose::collection_link(&self.public_url, code), SmimeSays::Request)
            }
            SmimeMail::Collection { code, issued } => (
                compose::collection_link(&self.public_url, code),
                SmimeSays::Collection { issued: *issued },
            ),
        };
        let letter = SmimeLetter {
            account,
            order: facts.order,
            product: &facts.product,
            mailbox: &facts.mailbox,
            recipient: &facts.recipient,
            brand: &facts.brand,
            language: facts.language,
            template: facts.template.as_ref(),
            link: &link,
            says,
        };
        compose::compose_smime(&letter, &self.from, now)
    }

    /// A certificate mail, with the PEM and the archive.
    ///
    /// # Errors
    /// When the archive cannot be made.
    pub fn certificate(
        &self,
        account: AccountId,
        facts: &CertificateFacts,
        now: Time,
    ) -> Result<NewMail, Failure> {
        let issuers = [facts.issuer.as_slice()];
        let zip = collect::bundle(&facts.name, &facts.leaf, &issuers, facts.validity.not_before)
            .map_err(|error| Failure::Internal(format!("mail: {error}")))?;
        let letter = CertificateMail {
            account,
            order: facts.order,
            product: &facts.product,
            name: &facts.name,
            pem: &collect::pem("CERTIFICATE", &facts.leaf),
            zip: &zip,
            zip_name: &collect::bundle_name(&facts.name),
            not_before: facts.validity.not_before,
            not_after: facts.validity.not_after,
            recipient: &facts.recipient,
            brand: &facts.brand,
            language: facts.language,
            template: None,
        };
        Ok(compose::compose_certificate(&letter, &self.from, now))
    }

    /// Hands a mail over to the mail server.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, mail: &Outgoing) -> Result<(), SendError> {
        match &self.sender {
            Some(sender) => sender.send(mail).await,
            None => Err(SendError::Transient("no mail server is configured".to_owned())),
        }
    }
}
