//! What an order bought, as it is kept on the order: a copy of the catalogue's row on that day.

use domain::product::{Choice, Kind, Level};
use serde::{Deserialize, Serialize};

/// Stored as JSON; the words are this file's own, so that the catalogue may change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bought {
    /// The product's name.
    pub name: String,
    /// dv, ov, ev, qwac_legal, qwac_psd2, qwac_natural.
    pub level: String,
    /// single, wildcard, multi, ucc.
    pub kind: String,
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

impl Bought {
    /// From a choice, for so many names.
    #[must_use]
    pub fn new(choice: &Choice, names: usize) -> Self {
        let product = &choice.product;
        let term = &choice.term;
        Self {
            name: product.name.clone(),
            level: level_word(product.level).to_owned(),
            kind: kind_word(product.kind).to_owned(),
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
    /// When the row holds something else.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The validation level.
    #[must_use]
    pub fn level(&self) -> Level {
        let known = LEVELS.iter().find(|(_, word)| *word == self.level);
        known.map_or(Level::Ev, |(level, _)| *level)
    }

    /// Whether its list of names may have wildcards. Before it was kept, all might that were not extended.
    #[must_use]
    pub fn wildcards(&self) -> bool {
        self.wildcards.unwrap_or(!self.level().is_extended())
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        KINDS.iter().find(|(_, word)| *word == self.kind).map_or(Kind::Single, |(kind, _)| *kind)
    }
}

const LEVELS: [(Level, &str); 6] = [
    (Level::Dv, "dv"),
    (Level::Ov, "ov"),
    (Level::Ev, "ev"),
    (Level::QwacLegal, "qwac_legal"),
    (Level::QwacPsd2, "qwac_psd2"),
    (Level::QwacNatural, "qwac_natural"),
];

const KINDS: [(Kind, &str); 4] = [
    (Kind::Single, "single"),
    (Kind::Wildcard, "wildcard"),
    (Kind::Multi, "multi"),
    (Kind::Ucc, "ucc"),
];

pub(crate) fn level_word(level: Level) -> &'static str {
    LEVELS.iter().find(|(l, _)| *l == level).map_or("", |(_, word)| word)
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    KINDS.iter().find(|(k, _)| *k == kind).map_or("", |(_, word)| word)
}
