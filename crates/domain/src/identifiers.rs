//! Identifiers of organisations, persons and competent authorities, as eIDAS certificates carry them
//! (ETSI EN 319 412-1 section 5.1, ETSI TS 119 495, S/MIME BR appendix A).

use std::fmt;

use crate::country::CountryCode;
use crate::refusal::Refusal;

const ORGANIZATION: &str = "organizationIdentifier";
const PERSON: &str = "personalIdentifier";
const NCA: &str = "ncaIdentifier";

/// By which register an organisation is identified.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OrganizationScheme {
    /// `VAT`: a tax number.
    Vat,
    /// `NTR`: a number of a national trade register.
    Ntr,
    /// `PSD`: an authorisation of a payment service provider.
    Psd,
    /// `LEI`: a legal entity identifier.
    Lei,
    /// `GOV`: a government entity.
    Gov,
    /// `INT`: an international organisation.
    Int,
}

impl OrganizationScheme {
    /// All of them.
    pub const ALL: [OrganizationScheme; 6] = [
        OrganizationScheme::Vat,
        OrganizationScheme::Ntr,
        OrganizationScheme::Psd,
        OrganizationScheme::Lei,
        OrganizationScheme::Gov,
        OrganizationScheme::Int,
    ];

    /// The three letters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OrganizationScheme::Vat => "VAT",
            OrganizationScheme::Ntr => "NTR",
            OrganizationScheme::Psd => "PSD",
            OrganizationScheme::Lei => "LEI",
            OrganizationScheme::Gov => "GOV",
            OrganizationScheme::Int => "INT",
        }
    }
}

/// `organizationIdentifier`: a scheme, a country and a reference, e.g. `NTRGB-12345678`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OrganizationIdentifier {
    text: String,
    scheme: OrganizationScheme,
    country: Option<CountryCode>,
}

impl OrganizationIdentifier {
    /// The scheme that a text claims by its first letters, whether or not the rest fits it.
    #[must_use]
    pub fn claimed_scheme(text: &str) -> Option<OrganizationScheme> {
        OrganizationScheme::ALL.into_iter().find(|scheme| text.starts_with(scheme.as_str()))
    }

    /// Reads an identifier.
    ///
    /// # Errors
    /// -121: for the form, or for the country.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::IdentifierFormat(ORGANIZATION);
        let scheme = Self::claimed_scheme(text).ok_or_else(wrong)?;
        // Only the first hyphen separates; GOV and INT may do without a reference.
        let (place, reference) = match text[3..].split_once('-') {
            Some((place, reference)) => (place, Some(reference)),
            None => (&text[3..], None),
        };
        let (letters, subdivision) = match place.split_once('+') {
            Some((letters, subdivision)) => (letters, Some(subdivision)),
            None => (place, None),
        };
        if let Some(subdivision) = subdivision {
            let may = matches!(scheme, OrganizationScheme::Ntr | OrganizationScheme::Gov);
            let fits = (1..=3).contains(&subdivision.len()) && subdivision.bytes().all(is_code);
            if !may || !fits {
                return Err(wrong());
            }
        }
        let fits = match (scheme, reference) {
            (OrganizationScheme::Lei, Some(lei)) => lei.len() == 20 && lei.bytes().all(is_code),
            (OrganizationScheme::Psd, Some(psd)) => psd_parts(psd).is_some(),
            (_, Some(reference)) => is_reference(reference),
            (OrganizationScheme::Gov | OrganizationScheme::Int, None) => true,
            (_, None) => false,
        };
        if !is_country_shaped(letters) || !fits {
            return Err(wrong());
        }
        let country =
            country_of(scheme, letters).map_err(|_| Refusal::IdentifierCountry(ORGANIZATION))?;
        Ok(Self { text: text.to_owned(), scheme, country })
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> OrganizationScheme {
        self.scheme
    }

    /// The country; LEI and INT have none (`XG`).
    #[must_use]
    pub fn country(&self) -> Option<CountryCode> {
        self.country
    }

    /// The competent authority and the provider's number, if the scheme is PSD.
    #[must_use]
    pub fn psd(&self) -> Option<(&str, &str)> {
        let reference = self.text.split_once('-')?.1;
        if self.scheme == OrganizationScheme::Psd { psd_parts(reference) } else { None }
    }

    /// The identifier's country must be the subject's; LEI and INT are exempt.
    ///
    /// # Errors
    /// -121 for the country.
    pub fn check_subject_country(&self, subject: CountryCode) -> Result<(), Refusal> {
        match self.country {
            Some(country) if country != subject => Err(Refusal::IdentifierCountry(ORGANIZATION)),
            _ => Ok(()),
        }
    }
}

/// `personalIdentifier`: a type, a country and an identifier, e.g. `PASSK-P3000180`. Types are PAS, IDC, PNO, TIN, EID, or
/// two letters and a colon for a national scheme.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonalIdentifier {
    text: String,
    country: CountryCode,
}

impl PersonalIdentifier {
    /// Reads an identifier.
    ///
    /// # Errors
    /// -121: for TAX, for the form, or for the country.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::IdentifierFormat(PERSON);
        let (head, reference) = text.split_once('-').ok_or_else(wrong)?;
        if head.starts_with("TAX") {
            return Err(Refusal::TaxDeprecated);
        }
        let (kind, letters) = head.split_at_checked(3).ok_or_else(wrong)?;
        let known = ["PAS", "IDC", "PNO", "TIN", "EID"].contains(&kind);
        let national = kind.strip_suffix(':').is_some_and(is_country_shaped);
        if !(known || national) || !is_country_shaped(letters) || !is_reference(reference) {
            return Err(wrong());
        }
        let country = letters.parse().map_err(|_| Refusal::IdentifierCountry(PERSON))?;
        Ok(Self { text: text.to_owned(), country })
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The country.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.country
    }
}

/// `ncaIdentifier`: the country and the letters of a national competent authority, e.g. `DE-BAFIN`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NcaIdentifier {
    text: String,
    country: CountryCode,
}

impl NcaIdentifier {
    /// Reads an identifier.
    ///
    /// # Errors
    /// -121: for the form, or for the country.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::IdentifierFormat(NCA);
        let (letters, authority) = text.split_once('-').ok_or_else(wrong)?;
        if !is_country_shaped(letters) || !is_authority(authority) {
            return Err(wrong());
        }
        let country = letters.parse().map_err(|_| Refusal::IdentifierCountry(NCA))?;
        Ok(Self { text: text.to_owned(), country })
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The country.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.country
    }

    /// The authority's letters.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.split_once('-').map_or("", |(_, authority)| authority)
    }

    /// The authority's English name, if it is one of the known ones.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        AUTHORITIES.iter().find(|(id, _)| *id == self.text).map(|(_, name)| *name)
    }

    /// A PSD identifier of the organisation must name the same country and authority; other schemes say nothing of it.
    ///
    /// # Errors
    /// -121 of ncaIdentifier: for the country, or for the form.
    pub fn check_agrees(&self, organization: &OrganizationIdentifier) -> Result<(), Refusal> {
        let Some((authority, _)) = organization.psd() else { return Ok(()) };
        if organization.country() != Some(self.country) {
            return Err(Refusal::IdentifierCountry(NCA));
        }
        if authority == self.authority() { Ok(()) } else { Err(Refusal::IdentifierFormat(NCA)) }
    }
}

macro_rules! shown_as_text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
    )*};
}

shown_as_text!(OrganizationIdentifier PersonalIdentifier NcaIdentifier);

/// LEI and INT stand under `XG`; tax numbers may have the prefixes of the EU's tax system.
fn country_of(scheme: OrganizationScheme, letters: &str) -> Result<Option<CountryCode>, ()> {
    let global = matches!(scheme, OrganizationScheme::Lei | OrganizationScheme::Int);
    let letters = match (scheme, letters) {
        (_, "XG") if global => return Ok(None),
        (_, _) if global => return Err(()),
        (OrganizationScheme::Vat, "EL") => "GR",
        (OrganizationScheme::Vat, "XI") => "GB",
        (_, other) => other,
    };
    letters.parse().map(Some).map_err(|_| ())
}

fn is_country_shaped(letters: &str) -> bool {
    letters.len() == 2 && letters.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_code(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_authority(text: &str) -> bool {
    (2..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_reference(text: &str) -> bool {
    text.trim() == text && !text.is_empty() && !text.chars().any(char::is_control)
}

/// `FCA-123456`: the authority and the provider's number.
fn psd_parts(reference: &str) -> Option<(&str, &str)> {
    let (authority, number) = reference.split_once('-')?;
    (is_authority(authority) && is_reference(number)).then_some((authority, number))
}

/// ETSI TS 119 495 annex D. Croatia's bank is written both ways in use.
const AUTHORITIES: &[(&str, &str)] = &[
    ("AT-FMA", "Austria Financial Market Authority"),
    ("BE-NBB", "National Bank of Belgium"),
    ("BG-BNB", "Bulgarian National Bank"),
    ("HR-CNB", "Croatian National Bank"),
    ("HR-HNB", "Croatian National Bank"),
    ("CY-CBC", "Central Bank of Cyprus"),
    ("CZ-CNB", "Czech National Bank"),
    ("DK-DFSA", "Danish Financial Supervisory Authority"),
    ("EE-FI", "Estonia Financial Supervisory Authority"),
    ("FI-FINFSA", "Finnish Financial Supervisory Authority"),
    ("FR-ACPR", "Prudential Supervisory and Resolution Authority"),
    ("DE-BAFIN", "Federal Financial Supervisory Authority"),
    ("GR-BOG", "Bank of Greece"),
    ("HU-CBH", "Central Bank of Hungary"),
    ("IS-FME", "Financial Supervisory Authority"),
    ("IE-CBI", "Central Bank of Ireland"),
    ("IT-BI", "Bank of Italy"),
    ("LI-FMA", "Financial Market Authority Liechtenstein"),
    ("LV-FCMC", "Financial and Capital Markets Commission"),
    ("LT-BL", "Bank of Lithuania"),
    ("LU-CSSF", "Commission for the Supervision of Financial Sector"),
    ("NO-FSA", "The Financial Supervisory Authority of Norway"),
    ("MT-MFSA", "Malta Financial Services Authority"),
    ("NL-DNB", "The Netherlands Bank"),
    ("PL-PFSA", "Polish Financial Supervision Authority"),
    ("PT-BP", "Bank of Portugal"),
    ("RO-NBR", "National Bank of Romania"),
    ("SK-NBS", "National Bank of Slovakia"),
    ("SI-BS", "Bank of Slovenia"),
    ("ES-BE", "Bank of Spain"),
    ("SE-FINA", "Swedish Financial Supervision Authority"),
    ("GB-FCA", "Financial Conduct Authority"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations() {
        for good in [
            "VATDE-123456789",
            "VATEL-123456789",
            "NTRGB-12345678",
            "NTRUS+CA-C12-34",
            "PSDGB-FCA-123456",
            "LEIXG-5493001KJTIIGC8Y1R12",
            "GOVUS+CA",
            "GOVDE-Bund",
            "INTXG",
        ] {
            assert_eq!(OrganizationIdentifier::parse(good).unwrap().as_str(), good);
        }
        for (bad, refusal) in [
            ("COMPANY-123456789", Refusal::IdentifierFormat(ORGANIZATION)),
            ("", Refusal::IdentifierFormat(ORGANIZATION)),
            ("vatDE-1", Refusal::IdentifierFormat(ORGANIZATION)),
            ("VATDE", Refusal::IdentifierFormat(ORGANIZATION)),
            ("VATDE-", Refusal::IdentifierFormat(ORGANIZATION)),
            ("VATé-1", Refusal::IdentifierFormat(ORGANIZATION)),
            ("VATUS+CA-1", Refusal::IdentifierFormat(ORGANIZATION)),
            ("NTRUS+-1", Refusal::IdentifierFormat(ORGANIZATION)),
            ("PSDGB-123456", Refusal::IdentifierFormat(ORGANIZATION)),
            ("LEIXG-123", Refusal::IdentifierFormat(ORGANIZATION)),
            ("VATXX-1", Refusal::IdentifierCountry(ORGANIZATION)),
            ("NTREL-1", Refusal::IdentifierCountry(ORGANIZATION)),
            ("LEIDE-5493001KJTIIGC8Y1R12", Refusal::IdentifierCountry(ORGANIZATION)),
        ] {
            assert_eq!(OrganizationIdentifier::parse(bad), Err(refusal), "{bad}");
        }
    }

    #[test]
    fn organisations_belong_to_the_subjects_country() {
        let (germany, greece) = ("DE".parse().unwrap(), "GR".parse().unwrap());
        let vat = OrganizationIdentifier::parse("VATEL-1").unwrap();
        assert_eq!(vat.check_subject_country(greece), Ok(()));
        assert_eq!(
            vat.check_subject_country(germany),
            Err(Refusal::IdentifierCountry(ORGANIZATION))
        );
        let lei = OrganizationIdentifier::parse("LEIXG-5493001KJTIIGC8Y1R12").unwrap();
        assert_eq!(lei.check_subject_country(germany), Ok(()));
    }

    #[test]
    fn persons() {
        for good in
            ["PASSK-P3000180", "IDCBE-590082394654", "PNOSE-1-2", "TINFR-1", "EIDNO-x", "NO:NO-1"]
        {
            assert_eq!(PersonalIdentifier::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(PersonalIdentifier::parse("TAXFR-1"), Err(Refusal::TaxDeprecated));
        for bad in ["", "PAS", "PASSK", "PASSK-", "XYZSK-1", "passk-1", "PASé-1", "é:SK-1", "-1"]
        {
            let wrong = Err(Refusal::IdentifierFormat(PERSON));
            assert_eq!(PersonalIdentifier::parse(bad), wrong, "{bad}");
        }
        assert_eq!(PersonalIdentifier::parse("PASXX-1"), Err(Refusal::IdentifierCountry(PERSON)));
    }

    #[test]
    fn authorities() {
        let nca = NcaIdentifier::parse("DE-BAFIN").unwrap();
        assert_eq!(nca.name(), Some("Federal Financial Supervisory Authority"));
        assert_eq!(NcaIdentifier::parse("DE-XX").unwrap().name(), None);
        for bad in ["", "DE", "DE-", "DE-B", "DE-bafin", "DE-BAFINBAFI", "DE-BA-FI", "DEU-BA"] {
            assert_eq!(NcaIdentifier::parse(bad), Err(Refusal::IdentifierFormat(NCA)), "{bad}");
        }
        assert_eq!(NcaIdentifier::parse("XX-FCA"), Err(Refusal::IdentifierCountry(NCA)));
        for (id, _) in AUTHORITIES {
            assert!(NcaIdentifier::parse(id).unwrap().name().is_some(), "{id}");
        }
    }

    #[test]
    fn authorities_agree_with_the_organisation() {
        let nca = NcaIdentifier::parse("GB-FCA").unwrap();
        let agrees = |text| nca.check_agrees(&OrganizationIdentifier::parse(text).unwrap());
        assert_eq!(agrees("PSDGB-FCA-123456"), Ok(()));
        assert_eq!(agrees("NTRGB-1"), Ok(()));
        assert_eq!(agrees("PSDGB-PRA-1"), Err(Refusal::IdentifierFormat(NCA)));
        assert_eq!(agrees("PSDDE-FCA-1"), Err(Refusal::IdentifierCountry(NCA)));
    }
}
