//! The mails of S/MIME orders: the one that proves the mailbox, the one that tells of an order without a key, and the one that
//! leads to the certificate.

use domain::account::Account;
use domain::certificate::{OrderNumber, Validity};
use domain::check::CheckState;
use domain::dcv::{DcvMethod, MAILBOX_CODE_AGE};
use domain::mail_address::MailAddress;
use domain::order::RequestState;
use domain::order_smime::SmimeTexts;
use domain::order_ssl::Language;
use domain::time::Time;
use store::mails::{self, NewMail, Template};
use store::names::RequestName;
use store::{StoreError, Tx};

use super::Failure;
use super::validate::Subject;
use crate::house::House;
use crate::letters::{SmimeFacts, SmimeMail};

/// What an order's mails have in common.
pub(crate) struct Letters<'a> {
    pub house: &'a House,
    pub account: &'a Account,
    pub order: OrderNumber,
    pub product: &'a str,
    pub texts: &'a SmimeTexts,
    /// Mails that would go to the end customer go to the account, which forwards them (validationEmailAddress).
    pub forwarded: bool,
    pub now: Time,
}

impl Letters<'_> {
    /// Asks the mailbox itself, and nobody else: having read the mail is the proof. Nothing where it is proven.
    pub fn verification(&self, tx: &mut Tx<'_>, row: &RequestName) -> Result<(), Failure> {
        let (Some(mailbox), Some(random)) = (row.name.mailbox(), &row.random) else {
            return Ok(());
        };
        if row.method != DcvMethod::Mailbox || row.shown.is_some() {
            return Ok(());
        }
        let expires = random.made.plus(MAILBOX_CODE_AGE);
        let template = row.template.or(self.texts.verification);
        let what = SmimeMail::Verification { code: random.text.clone(), expires };
        self.post(tx, mailbox, mailbox, ("smime_verification", template), what)
    }

    /// Tells that a certificate was ordered, and that its key is made later.
    pub fn request(
        &self,
        tx: &mut Tx<'_>,
        mailbox: &MailAddress,
        code: &str,
    ) -> Result<(), Failure> {
        let what = SmimeMail::Request { code: code.to_owned() };
        let template = ("smime_request", self.texts.request);
        self.post(tx, mailbox, self.customer(mailbox), template, what)
    }

    /// Leads to the page where the certificate is collected, or its key is made.
    pub fn collection(
        &self,
        tx: &mut Tx<'_>,
        mailbox: &MailAddress,
        code: &str,
        issued: Option<Validity>,
    ) -> Result<(), Failure> {
        let what = SmimeMail::Collection { code: code.to_owned(), issued };
        let template = ("smime_collection", self.texts.collection);
        self.post(tx, mailbox, self.customer(mailbox), template, what)
    }

    fn customer<'m>(&'m self, mailbox: &'m MailAddress) -> &'m MailAddress {
        self.account.contact.as_ref().filter(|_| self.forwarded).unwrap_or(mailbox)
    }

    fn post(
        &self,
        tx: &mut Tx<'_>,
        mailbox: &MailAddress,
        to: &MailAddress,
        template: (&str, Option<i64>),
        what: SmimeMail,
    ) -> Result<(), Failure> {
        let template = self.template(tx, template)?;
        let mail = self.compose(mailbox, to, template, what);
        Ok(crate::jobs::mail::post(tx, &mail, self.now)?)
    }

    fn template(
        &self,
        tx: &mut Tx<'_>,
        (kind, id): (&str, Option<i64>),
    ) -> Result<Option<Template>, StoreError> {
        match id {
            Some(id) => mails::template(tx, self.account.id, kind, id),
            None => Ok(None),
        }
    }

    pub fn compose(
        &self,
        mailbox: &MailAddress,
        to: &MailAddress,
        template: Option<Template>,
        what: SmimeMail,
    ) -> NewMail {
        let facts = SmimeFacts {
            order: self.order,
            product: self.product.to_owned(),
            mailbox: mailbox.clone(),
            recipient: to.clone(),
            brand: self.account.brand.clone(),
            language: self.texts.language.unwrap_or_default(),
            template,
            what,
        };
        self.house.mail.smime(self.account.id, &facts, self.now)
    }
}

/// The mail that leads to an order's certificate, or to where its key is made. None when nobody knows to whom.
pub(crate) fn collection_mail_of(
    house: &House,
    subject: &Subject,
    issued: Option<Validity>,
    now: Time,
) -> Option<NewMail> {
    let (account, collecting) = (subject.account.as_ref()?, subject.collecting.as_ref()?);
    let mailbox = subject.names.iter().find_map(|row| row.name.mailbox())?;
    let letters = Letters {
        house,
        account,
        order: subject.order.number,
        product: subject.bought.as_ref().ok().map(|b| b.name.as_str())?,
        texts: &texts_of(&subject.order.parameters),
        forwarded: is_forwarded(&subject.order.parameters),
        now,
    };
    let what = SmimeMail::Collection { code: collecting.code.clone(), issued };
    let template = collecting.template.clone();
    Some(letters.compose(mailbox, letters.customer(mailbox), template, what))
}

/// The texts that an order asked for, of its kept parameters.
pub(crate) fn texts_of(parameters: &str) -> SmimeTexts {
    let given: serde_json::Value = serde_json::from_str(parameters).unwrap_or_default();
    let number = |name: &str| given[name].as_str().and_then(|v| v.parse().ok());
    SmimeTexts {
        language: given["languageName"].as_str().and_then(Language::from_code),
        verification: number("SMIMEVerificationTemplateID"),
        request: number("SMIMERequestTemplateID"),
        collection: number("SMIMECollectionTemplateID"),
        ..SmimeTexts::default()
    }
}

/// Whether an order says that its account forwards what the end customer is to read.
pub(crate) fn is_forwarded(parameters: &str) -> bool {
    let given: serde_json::Value = serde_json::from_str(parameters).unwrap_or_default();
    given["validationEmailAddress"].is_string()
}

/// Whether nothing but the key is missing.
pub(crate) fn waits_for_the_key_alone(state: &RequestState) -> bool {
    let passed = || state.checks().iter().all(|c| c.state == CheckState::Passed);
    matches!(state, RequestState::AwaitingCsr { .. }) && passed()
}

/// How many mails of a kind an order has had within a day.
pub(crate) fn sent_today(
    tx: &mut Tx<'_>,
    order: OrderNumber,
    kind: &str,
    now: Time,
) -> Result<usize, StoreError> {
    mails::count(tx, order, kind, now.plus(-domain::time::DAY))
}
