//! What pages of S/MIME orders say, by language: `texts/<language>.toml`. A table that lacks a sentence, or has one too many,
//! does not read.

use std::sync::LazyLock;

use domain::order_ssl::Language;
use serde::Deserialize;

/// The sentences of a language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The page of a mailbox's code.
    pub mailbox: MailboxTexts,
    /// The page where a certificate is collected.
    pub collection: CollectionTexts,
}

macro_rules! sentences {
    ($(#[$doc:meta])* $name:ident: $($field:ident)*) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "each is the sentence that the English table shows under its name")]
        pub struct $name {
            $(pub $field: String,)*
        }
    };
}

sentences! {
    /// The page of a mailbox's code.
    MailboxTexts: title heading ask order_label code_label button note right_heading right wrong_heading wrong
        late_heading late issued_heading issued over_heading over again
}

sentences! {
    /// The page where a certificate is collected.
    CollectionTexts: title heading order product state waits_for_mailbox waits_for_checks being_issued make_heading make
        key_label key_rsa key_ec password_label again_label button working done save weak differ failed no_script issued
        valid_from valid_until download_pem download_p7b revoked_heading revoked over_heading over payment_heading payment
        unknown_heading unknown
}

/// Tables by code.
const TABLES: &[(&str, &str)] = &[("en", include_str!("texts/en.toml"))];

static READ: LazyLock<Vec<(&str, Texts)>> = LazyLock::new(|| {
    let read = |(code, text): &(&'static str, &str)| {
        // One that does not read is missing; a test refuses that.
        toml::from_str(text).ok().map(|texts| (*code, texts))
    };
    TABLES.iter().filter_map(read).collect()
});

/// The sentences of a language; English where it has none.
///
/// # Panics
/// Never: a test reads every table.
#[must_use]
pub fn of(language: Language) -> &'static Texts {
    let find = |code: &str| READ.iter().find(|(known, _)| *known == code).map(|(_, texts)| texts);
    find(language.code()).or_else(|| find("en")).expect("the English table is right")
}

/// A sentence with its places filled.
#[must_use]
pub fn fill(sentence: &str, with: &[(&str, &str)]) -> String {
    with.iter().fold(sentence.to_owned(), |text, (place, value)| {
        text.replace(&format!("{{{place}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_reads() {
        for (code, text) in TABLES {
            assert!(Language::from_code(code).is_some());
            toml::from_str::<Texts>(text).unwrap_or_else(|e| panic!("{code}: {e}"));
        }
        assert_eq!(READ.len(), TABLES.len());
    }
}
