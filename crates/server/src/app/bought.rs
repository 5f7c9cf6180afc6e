//! What an order bought, as it is kept on the order: a copy of the catalogue's row on that day.

use domain::product::{Choice, Kind, Level};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stored as JSON; the words are this file's own, so that the catalogue may change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bought {
    /// The product's name.
    pub name: String,
    /// dv, ov, ev, qwac_legal, qwac_psd2, qwac_natural, mailbox_multipurpose, mailbox_strict, organization_multipurpose.
    #[serde(serialize_with = "write_level", deserialize_with = "read_level")]
    pub level: Level,
    /// single, wildcard, multi, ucc, mailbox.
    #[serde(serialize_with = "write_kind", deserialize_with = "read_kind")]
    pub kind: Kind,
    /// Under the private root.
    #[serde(default, skip_serializing_if = "is_false")]
    pub intranet: bool,
    /// With Intel's extended key usage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub amt: bool,
    /// The term that was paid for, in days; the order's own term has the bonus days.
    pub paid_days: u32,
    /// Server licences.
    pub servers: u32,
    /// Names in the base price.
    pub included_names: u32,
    /// The most names.
    pub max_names: u32,
    /// Whether its list of names may have wildcards; absent in orders from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wildcards: Option<bool>,
    /// Names that were paid for; 0 in orders from before this was kept.
    #[serde(default)]
    pub names: u32,
    /// Prices in minor units: base, per further name, per further server.
    pub prices: [i64; 3],
    /// Add-ons by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logos: Vec<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn write_level<S: Serializer>(level: &Level, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(level_word(*level))
}

fn read_level<'de, D: Deserializer<'de>>(from: D) -> Result<Level, D::Error> {
    known(&LEVELS, &String::deserialize(from)?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn write_kind<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind_word(*kind))
}

fn read_kind<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
    known(&KINDS, &String::deserialize(from)?)
}

fn known<T: Copy, E: serde::de::Error>(all: &[(T, &str)], word: &str) -> Result<T, E> {
    let found = all.iter().find(|(_, w)| *w == word);
    found.map(|(value, _)| *value).ok_or_else(|| E::custom(format_args!("{word:?} is unknown")))
}

impl Bought {
    /// From a choice, for so many names.
    #[must_use]
    pub fn new(choice: &Choice, names: usize) -> Self {
        let product = &choice.product;
        let term = &choice.term;
        Self {
            name: product.name.clone(),
            level: product.level,
            kind: product.kind,
            intranet: product.intranet,
            amt: product.amt,
            paid_days: term.days,
            servers: choice.servers,
            included_names: product.included_names,
            max_names: product.max_names,
            wildcards: Some(product.wildcards),
            names: u32::try_from(names).unwrap_or(u32::MAX),
            prices: [term.base.minor(), term.per_name.minor(), term.per_server.minor()],
            logos: choice.logos.iter().map(|l| l.code).collect(),
        }
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From an order's row.
    ///
    /// # Errors
    /// When the row holds something else, e.g. a level that nobody knows: then nothing may be certified by it.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The validation level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether its list of names may have wildcards. Before it was kept, all might that were not extended.
    #[must_use]
    pub fn wildcards(&self) -> bool {
        self.wildcards.unwrap_or(!self.level().is_extended())
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

const LEVELS: [(Level, &str); 9] = [
    (Level::Dv, "dv"),
    (Level::Ov, "ov"),
    (Level::Ev, "ev"),
    (Level::QwacLegal, "qwac_legal"),
    (Level::QwacPsd2, "qwac_psd2"),
    (Level::QwacNatural, "qwac_natural"),
    (Level::MailboxMultipurpose, "mailbox_multipurpose"),
    (Level::MailboxStrict, "mailbox_strict"),
    (Level::OrganizationMultipurpose, "organization_multipurpose"),
];

const KINDS: [(Kind, &str); 5] = [
    (Kind::Single, "single"),
    (Kind::Wildcard, "wildcard"),
    (Kind::Multi, "multi"),
    (Kind::Ucc, "ucc"),
    (Kind::Mailbox, "mailbox"),
];

pub(crate) fn level_word(level: Level) -> &'static str {
    LEVELS.iter().find(|(l, _)| *l == level).map_or("", |(_, word)| word)
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(k, _)| *k == kind).map_or("", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_nobody_knows_is_an_error() {
        let text = r#"{"name":"Product","level":"ov","kind":"multi","paid_days":365,"servers":1,"included_names":3,
            "max_names":250,"prices":[1,2,3]}"#;
        let bought = Bought::from_json(text).expect("as orders keep it");
        assert_eq!((bought.level(), bought.kind()), (Level::Ov, Kind::Multi));
        assert_eq!(Bought::from_json(&bought.to_json()).expect("again"), bought);
        assert!(Bought::from_json(&text.replace("ov", "gold")).is_err());
        assert!(Bought::from_json(&text.replace("multi", "many")).is_err());
    }
}
