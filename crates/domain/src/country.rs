//! Countries by their ISO 3166-1 alpha-2 codes.

use std::fmt;
use std::str::FromStr;

/// An officially assigned ISO 3166-1 alpha-2 code, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

/// The text is no assigned code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an ISO 3166-1 country code")]
pub struct NotACountry;

impl CountryCode {
    /// The country's English short name.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        rust_iso3166::from_alpha2(self.as_str()).map(|country| country.name)
    }

    /// Two capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for CountryCode {
    type Err = NotACountry;

    /// Takes either case.
    fn from_str(text: &str) -> Result<Self, NotACountry> {
        let [a, b] = text.as_bytes() else {
            return Err(NotACountry);
        };
        let code = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        let assigned = ASSIGNED.split_ascii_whitespace().any(|c| c.as_bytes() == code);
        if assigned { Ok(Self(code)) } else { Err(NotACountry) }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The 249 assigned codes.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ \
    BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR \
    CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ \
    LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF \
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI \
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR \
    TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        assert_eq!(ASSIGNED.split_ascii_whitespace().count(), 249);
        for code in ASSIGNED.split_ascii_whitespace() {
            let name = code.parse::<CountryCode>().unwrap().name();
            assert!(name.is_some_and(|name| name.len() > 3), "{code}");
        }
        assert_eq!("de".parse::<CountryCode>().unwrap().name(), Some("Germany"));
        assert_eq!("gb".parse::<CountryCode>().unwrap().as_str(), "GB");
        for bad in ["UK", "XX", "", "G", "GBR", "é", "G1"] {
            assert!(bad.parse::<CountryCode>().is_err(), "{bad}");
        }
    }
}
