//! The pages of S/MIME orders. Pure: a page is made from what it says. As with domain control a GET shows a form and looks
//! nothing up; the language comes with the link.

use askama::Template;
use domain::mail_address::MailAddress;
use domain::order_ssl::Language;

use super::pages::{Page, page, plausible_code, plausible_order};
use crate::app::codes::EnteredMailbox;
use crate::app::smime_page::{Shown, Standing};
use crate::texts::{self, CollectionTexts, MailboxTexts, fill};

/// In which words, under which name.
#[derive(Clone, Copy)]
pub struct Voice<'a> {
    /// The brand.
    pub brand: &'a str,
    /// The language.
    pub language: Language,
}

/// `GET EnterSMIMECode`: asks for the code, or shows the given one, with a button that posts it.
#[must_use]
pub fn enter_code(voice: Voice<'_>, order: Option<&str>, code: Option<&str>) -> Page {
    let t = &texts::pages(voice.language).mailbox;
    let order = plausible_order(order);
    let ask = order.map(|order| fill(&t.ask, &[("order", order)]));
    let (brand, lang, code) = (voice.brand, voice.language.code(), plausible_code(code));
    page(200, &EnterCode { brand, lang, t, order, ask, code })
}

/// What became of a code.
#[must_use]
pub fn entered(
    voice: Voice<'_>,
    order: &str,
    entered: &EnteredMailbox,
    mailbox: Option<&MailAddress>,
) -> Page {
    let t = &texts::pages(voice.language).mailbox;
    let mailbox = mailbox.map_or("", |mailbox| mailbox.as_str());
    let (mood, heading, text) = match entered {
        EnteredMailbox::Right => ("good", &t.right_heading, &t.right),
        EnteredMailbox::AlreadyIssued => ("good", &t.issued_heading, &t.issued),
        EnteredMailbox::Over => ("bad", &t.over_heading, &t.over),
        EnteredMailbox::Late => ("bad", &t.late_heading, &t.late),
        EnteredMailbox::Wrong => ("bad", &t.wrong_heading, &t.wrong),
    };
    let order = plausible_order(Some(order)).unwrap_or_default();
    let places = [("order", order), ("mailbox", mailbox)];
    let lang = voice.language.code();
    let again = format!("/products/EnterSMIMECode?orderNumber={order}&languageName={lang}");
    let message = Message {
        brand: voice.brand,
        lang,
        title: &t.title,
        mood,
        heading: fill(heading, &places),
        text: fill(text, &places),
        link: (*entered == EnteredMailbox::Wrong).then_some((again, t.again.as_str())),
    };
    page(200, &message)
}

/// The collection page of an order. `code`: by which it was found.
#[must_use]
pub fn collection(voice: Voice<'_>, shown: &Shown, code: &str) -> Page {
    let t = &texts::pages(voice.language).collection;
    let mailbox = shown.mailbox.as_str();
    let text = match &shown.standing {
        Standing::AwaitsPayment => return ended(voice, "plain", &t.payment_heading, &t.payment),
        Standing::Revoked => return ended(voice, "bad", &t.revoked_heading, &t.revoked),
        Standing::Over => return ended(voice, "bad", &t.over_heading, &t.over),
        Standing::AwaitsMailbox => fill(&t.waits_for_mailbox, &[("mailbox", mailbox)]),
        Standing::AwaitsOthers => t.waits_for_checks.clone(),
        Standing::AwaitsKey => String::new(),
        Standing::BeingIssued => t.being_issued.clone(),
        Standing::Issued(_) => t.issued.clone(),
    };
    let rsa = |bits: &str| fill(&t.key_rsa, &[("bits", bits)]);
    let ec = |curve: &str| fill(&t.key_ec, &[("curve", curve)]);
    let validity = match &shown.standing {
        Standing::Issued(validity) => Some((validity.not_before.date(), validity.not_after.date())),
        _ => None,
    };
    let page_of = Collection {
        brand: voice.brand,
        lang: voice.language.code(),
        t,
        heading: fill(&t.heading, &[("mailbox", mailbox)]),
        order: shown.order.0,
        product: &shown.product,
        downloads: validity.is_some(),
        validity,
        text,
        makes_key: shown.standing == Standing::AwaitsKey,
        code,
        mailbox,
        file: file_name(mailbox),
        keys: [
            ("rsa2048", rsa("2048")),
            ("rsa3072", rsa("3072")),
            ("p256", ec("P-256")),
            ("p384", ec("P-384")),
        ],
    };
    page(200, &page_of)
}

/// No order has this code.
#[must_use]
pub fn unknown(voice: Voice<'_>) -> Page {
    let t = &texts::pages(voice.language).collection;
    let page = ended(voice, "bad", &t.unknown_heading, &t.unknown);
    Page { status: 404, ..page }
}

fn ended(voice: Voice<'_>, mood: &str, heading: &str, text: &str) -> Page {
    let message = Message {
        brand: voice.brand,
        lang: voice.language.code(),
        title: &texts::pages(voice.language).collection.title,
        mood,
        heading: heading.to_owned(),
        text: text.to_owned(),
        link: None,
    };
    page(200, &message)
}

/// What a file for a mailbox is called, without its ending.
fn file_name(mailbox: &str) -> String {
    mailbox.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[derive(Template)]
#[template(path = "smime/collection.html")]
struct Collection<'a> {
    brand: &'a str,
    lang: &'a str,
    t: &'a CollectionTexts,
    heading: String,
    order: i64,
    product: &'a str,
    validity: Option<(String, String)>,
    text: String,
    makes_key: bool,
    downloads: bool,
    code: &'a str,
    mailbox: &'a str,
    file: String,
    keys: [(&'a str, String); 4],
}

#[derive(Template)]
#[template(path = "smime/enter_code.html")]
struct EnterCode<'a> {
    brand: &'a str,
    lang: &'a str,
    t: &'a MailboxTexts,
    order: Option<&'a str>,
    ask: Option<String>,
    code: &'a str,
}

#[derive(Template)]
#[template(path = "smime/message.html")]
struct Message<'a> {
    brand: &'a str,
    lang: &'a str,
    title: &'a str,
    mood: &'a str,
    heading: String,
    text: String,
    link: Option<(String, &'a str)>,
}
