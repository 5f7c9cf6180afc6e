//! What mails and pages say, by language: `texts/<language>.toml`, a table of sentences for each of the fourteen.
//!
//! A table that lacks a sentence, or has one too many, does not read, and a test reads them all. The sentences of mails
//! are put into layouts and may hold `{{ variables }}` (see `mail::texts`); those of pages are plain text and may hold
//! `{places}`, which [`fill`] fills. What [`Mails`] and [`Pages`] tell of each sentence is what a translator has to know.

use std::sync::LazyLock;

use domain::order_ssl::Language;
use serde::Deserialize;

/// The sentences of a language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    mail: Mails,
    page: Pages,
}

/// The sentences of the mails.
///
/// Their lines are at most 78 columns long, as the text part shows them as they are; the HTML part makes one line of
/// them. What ends in `_html` is for the HTML part alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mails {
    /// What several mails say.
    pub common: CommonTexts,
    /// The mail that asks for confirmation of a domain.
    pub dcv: DcvTexts,
    /// The mail that hands over a certificate.
    pub certificate: CertificateTexts,
    /// The mail that asks for confirmation of a mailbox.
    pub smime_verification: VerificationTexts,
    /// The mail that tells of an order whose key is made later.
    pub smime_request: RequestTexts,
    /// The mail that leads to a certificate, or to the page where its key is made.
    pub smime_collection: CollectionMailTexts,
}

/// The sentences of the pages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The page of a mailbox's code.
    pub mailbox: MailboxTexts,
    /// The page where a certificate is collected.
    pub collection: CollectionTexts,
}

/// A struct of sentences, each with what has to be known of it, and a list of them by name.
macro_rules! sentences {
    ($(#[$about:meta])* $table:ident { $($(#[$doc:meta])* $sentence:ident,)* }) => {
        $(#[$about])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $table { $($(#[$doc])* pub $sentence: String,)* }

        impl $table {
            /// Every sentence, by its name.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &str)> {
                vec![$((stringify!($sentence), self.$sentence.as_str()),)*]
            }
        }
    };
}

sentences! {
    /// What several mails say.
    CommonTexts {
        /// Stands between a label and its value, with a blank before it where the language wants one.
        colon,
        /// The line a mail begins with; the next sentence goes on after it.
        greeting,
        /// Label of the order's number.
        order,
        /// Label of a mailbox.
        mailbox,
        /// Label of the first day.
        valid_from,
        /// Label of the last day.
        valid_until,
        /// Before the link of the page that confirms.
        agree,
        /// Before the code.
        code,
        /// Until when the code works: `expires`.
        until,
        /// An S/MIME certificate was ordered; the mailbox follows on a line of its own: `product`, `brand`.
        smime_ordered,
        /// Button that leads to the collection page.
        collect,
    }
}

sentences! {
    /// The mail that asks for confirmation of a domain.
    DcvTexts {
        /// Behind the order's number: `domain`.
        subject,
        /// Heading: `domain`.
        heading,
        /// What was ordered, and why this mail comes: `brand`, `domain`.
        ordered,
        /// The same.
        ordered_html,
        /// Label of the domain.
        domain,
        /// Label of one name.
        name,
        /// Label of several names.
        names,
        /// Behind twenty names: `more_names` is a number, 1 or more.
        more,
        /// Button: `domain`.
        confirm,
        /// Before the code, with its end: `expires`.
        code_html,
        /// What to do with an unknown order; the link that declines follows.
        decline,
        /// The same around the link: `reject_link`.
        decline_html,
        /// To whom the mail went: `address`.
        sent,
        /// The same behind the brand's name.
        sent_html,
    }
}

sentences! {
    /// The mail that hands over a certificate.
    CertificateTexts {
        /// Behind the order's number: `product` (without "Certificate" at its end), `name`.
        subject,
        /// Title: `name`.
        title,
        /// Heading.
        heading,
        /// The certificate is attached: `product`, `name`.
        attached,
        /// The same.
        attached_html,
        /// What the file holds and who needs it: `zip_name`.
        holds,
        /// The same.
        holds_html,
    }
}

sentences! {
    /// The mail that asks for confirmation of a mailbox.
    VerificationTexts {
        /// Behind the order's number, and the heading: `mailbox`.
        subject,
        /// The reader of the mailbox has to agree.
        consent,
        /// Button: `mailbox`.
        confirm,
        /// What to do with an unknown order.
        ignore,
    }
}

sentences! {
    /// The mail that tells of an order whose key is made later.
    RequestTexts {
        /// Behind the order's number: `product`, `mailbox`.
        subject,
        /// Heading: `mailbox`.
        heading,
        /// The mailbox is confirmed, then the key is made; the link of the collection page follows.
        steps,
        /// A further mail tells when.
        later,
    }
}

sentences! {
    /// The mail that leads to a certificate, or to the page where its key is made.
    CollectionMailTexts {
        /// Behind the order's number: `product`, `mailbox`.
        subject,
        /// Heading: `mailbox`.
        heading,
        /// It has been issued; the mailbox follows on a line of its own: `product`.
        issued,
        /// Nothing but the key is missing; the mailbox follows on a line of its own: `product`.
        ready,
        /// It can be downloaded; the link follows.
        download,
        /// It is made on the page with its key; the link follows.
        make,
    }
}

sentences! {
    /// The page of a mailbox's code.
    MailboxTexts {
        /// Title.
        title,
        /// Heading of the form.
        heading,
        /// What the code confirms: `{order}`.
        ask,
        /// Label of the order's number.
        order_label,
        /// Label of the code.
        code_label,
        /// Button.
        button,
        /// Below the button.
        note,
        /// The code was right: `{mailbox}`.
        right_heading,
        /// What happens now: `{order}`.
        right,
        /// The code is wrong.
        wrong_heading,
        /// What to do.
        wrong,
        /// The code is too old.
        late_heading,
        /// What to do.
        late,
        /// The certificate was issued before.
        issued_heading,
        /// The same: `{order}`.
        issued,
        /// The order came to nothing.
        over_heading,
        /// Why: `{order}`.
        over,
        /// Link back to the form.
        again,
    }
}

sentences! {
    /// The page where a certificate is collected.
    CollectionTexts {
        /// Title.
        title,
        /// Heading: `{mailbox}`.
        heading,
        /// Label of the order's number.
        order,
        /// Label of the product's name.
        product,
        /// Label of how the order stands.
        state,
        /// The mailbox is not confirmed yet: `{mailbox}`.
        waits_for_mailbox,
        /// Others have to check something, such as the organisation.
        waits_for_checks,
        /// The certificate is being made.
        being_issued,
        /// Heading above the form that makes the key.
        make_heading,
        /// Where the key is made, and that there is no other copy.
        make,
        /// Label of the choice of keys.
        key_label,
        /// An RSA key: `{bits}`.
        key_rsa,
        /// A key on an elliptic curve: `{curve}`.
        key_ec,
        /// Label of the password.
        password_label,
        /// Label of the password's repetition.
        again_label,
        /// Button.
        button,
        /// While key and certificate are made.
        working,
        /// When they are there.
        done,
        /// Button that saves them.
        save,
        /// The password is too short.
        weak,
        /// The passwords differ.
        differ,
        /// It did not work, and can be tried again.
        failed,
        /// The browser runs no JavaScript.
        no_script,
        /// The certificate is there, its key elsewhere.
        issued,
        /// Label of the first day.
        valid_from,
        /// Label of the last day.
        valid_until,
        /// Button: certificate and chain in PEM.
        download_pem,
        /// Button: the same as PKCS #7.
        download_p7b,
        /// The certificate was revoked.
        revoked_heading,
        /// What follows of it.
        revoked,
        /// The order came to nothing.
        over_heading,
        /// Why.
        over,
        /// The order is not paid yet.
        payment_heading,
        /// What to do.
        payment,
        /// No order has this code.
        unknown_heading,
        /// What to do.
        unknown,
    }
}

/// The tables by language.
const TABLES: [(&str, &str); Language::CODES.len()] = [
    ("en", include_str!("texts/en.toml")),
    ("zh", include_str!("texts/zh.toml")),
    ("da", include_str!("texts/da.toml")),
    ("nl", include_str!("texts/nl.toml")),
    ("fr", include_str!("texts/fr.toml")),
    ("de", include_str!("texts/de.toml")),
    ("it", include_str!("texts/it.toml")),
    ("ja", include_str!("texts/ja.toml")),
    ("ko", include_str!("texts/ko.toml")),
    ("pt", include_str!("texts/pt.toml")),
    ("ru", include_str!("texts/ru.toml")),
    ("es", include_str!("texts/es.toml")),
    ("sv", include_str!("texts/sv.toml")),
    ("tr", include_str!("texts/tr.toml")),
];

static READ: LazyLock<Vec<(&str, Texts)>> = LazyLock::new(|| {
    let read = |(code, table): &(&'static str, &str)| {
        // One that does not read is missing; a test refuses that.
        toml::from_str(table).ok().map(|texts| (*code, texts))
    };
    TABLES.iter().filter_map(read).collect()
});

/// What mails say in a language.
#[must_use]
pub fn mails(language: Language) -> &'static Mails {
    &of(language).mail
}

/// What pages say in a language.
#[must_use]
pub fn pages(language: Language) -> &'static Pages {
    &of(language).page
}

/// # Panics
/// Never: a test reads every table.
fn of(language: Language) -> &'static Texts {
    let find = |code: &str| READ.iter().find(|(known, _)| *known == code).map(|(_, texts)| texts);
    find(language.code()).or_else(|| find("en")).expect("the English table is right")
}

/// A page's sentence with its `{places}` filled.
#[must_use]
pub fn fill(sentence: &str, with: &[(&str, &str)]) -> String {
    with.iter().fold(sentence.to_owned(), |text, (place, value)| {
        text.replace(&format!("{{{place}}}"), value)
    })
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
