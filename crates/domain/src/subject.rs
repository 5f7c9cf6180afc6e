//! Who a certificate names: organisation and address, chosen between parameters and CSR.

use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, VariationSelector};

use crate::country::CountryCode;
use crate::csr::{CsrError, CsrSubject};
use crate::order_smime::SmimeOrderRequest;
use crate::order_ssl::{JurisdictionDetails, Prioritise, SslOrderRequest, SubjectDetails};
use crate::product::Level;
use crate::refusal::Refusal;

/// The subject that validation will look at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subject {
    /// Legal name; None for natural persons.
    pub organization: Option<String>,
    /// Unit; never certified.
    pub organizational_unit: Option<String>,
    /// Post office box.
    pub post_office_box: Option<String>,
    /// Streets, at least one.
    pub streets: Vec<String>,
    /// City.
    pub locality: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country.
    pub country: Option<CountryCode>,
}

/// Chooses the subject; None for levels that name nobody.
///
/// # Errors
/// -4 for texts with characters that no name should have; -3 for what is in neither place (-8 where only the CSR counts).
pub fn choose(
    level: Level,
    request: &SslOrderRequest,
    csr: &CsrSubject,
) -> Result<Option<Subject>, Refusal> {
    if !level.names_a_subject() {
        return Ok(None);
    }
    check_texts(level, &request.subject, &request.jurisdiction)?;
    let prioritise = request.prioritise;
    let missing = |parameter: &'static str| lacks(prioritise, parameter);
    let subject = put_together(prioritise, &request.subject, csr);
    if level.names_an_organization() && subject.organization.is_none() {
        return Err(missing("organizationName"));
    }
    if line(prioritise, &request.subject.streets, &csr.streets, 0).is_none() {
        return Err(missing("streetAddress1"));
    }
    if subject.locality.is_none() && subject.state.is_none() {
        return Err(missing("localityName"));
    }
    if subject.postal_code.is_none() {
        return Err(missing("postalCode"));
    }
    if subject.country.is_none() {
        return Err(missing("countryName"));
    }
    Ok(Some(subject))
}

/// The same for S/MIME, without a CSR as well; the address is the validation desk's to ask for (D30, D32, amended).
///
/// # Errors
/// As [`choose`].
pub fn choose_smime(
    level: Level,
    request: &SmimeOrderRequest,
    csr: Option<&CsrSubject>,
) -> Result<Option<Subject>, Refusal> {
    if !level.names_a_subject() {
        return Ok(None);
    }
    check_texts(level, &request.subject, &JurisdictionDetails::default())?;
    let nothing = CsrSubject::default();
    let (prioritise, csr) = match csr {
        Some(csr) => (request.prioritise, csr),
        None => (Prioritise::ParametersOnly, &nothing),
    };
    let subject = put_together(prioritise, &request.subject, csr);
    for (there, parameter) in [
        (subject.organization.is_some(), "organizationName"),
        (subject.country.is_some(), "countryName"),
        (subject.locality.is_some() || subject.state.is_some(), "localityName"),
    ] {
        if !there {
            return Err(lacks(prioritise, parameter));
        }
    }
    Ok(Some(subject))
}

/// -3 for what is in neither place, -8 where only the CSR counts.
fn lacks(prioritise: Prioritise, parameter: &'static str) -> Refusal {
    match prioritise {
        Prioritise::CsrOnly => Refusal::Csr(CsrError::MissingField),
        Prioritise::Csr | Prioritise::Parameters | Prioritise::ParametersOnly => {
            Refusal::Missing(parameter)
        }
    }
}

/// Each value from its parameter or from the CSR.
fn put_together(prioritise: Prioritise, given: &SubjectDetails, csr: &CsrSubject) -> Subject {
    let pick = |parameter: &Option<String>, in_csr: &Option<String>| {
        prioritise.choose(parameter.clone(), in_csr.clone())
    };
    // What is certified: as long as its parameter may be (§22.1), and absent where it says nothing.
    let certified = |parameter: &Option<String>, in_csr: &Option<String>, limit: usize| {
        prioritise.choose(certifiable(parameter, limit), certifiable(in_csr, limit))
    };
    let csr_country = csr.country.as_deref().and_then(|c| c.parse().ok());
    Subject {
        organization: certified(&given.organization, &csr.organization, 64),
        organizational_unit: pick(&given.organizational_unit, &csr.organizational_unit),
        post_office_box: pick(&given.post_office_box, &csr.post_office_box),
        streets: streets(prioritise, &given.streets, &csr.streets).into_iter().flatten().collect(),
        locality: certified(&given.locality, &csr.locality, 128),
        state: certified(&given.state, &csr.state, 128),
        postal_code: pick(&given.postal_code, &csr.postal_code),
        country: prioritise.choose(given.country, csr_country),
    }
}

/// What a parameter says of the subject may be certified, and then holds to what is asked of a CSR's names.
fn check_texts(
    level: Level,
    subject: &SubjectDetails,
    jurisdiction: &JurisdictionDetails,
) -> Result<(), Refusal> {
    let [first, second, third] = &subject.streets;
    let texts = [
        ("organizationName", &subject.organization),
        ("organizationalUnitName", &subject.organizational_unit),
        ("postOfficeBox", &subject.post_office_box),
        ("streetAddress1", first),
        ("streetAddress2", second),
        ("streetAddress3", third),
        ("localityName", &subject.locality),
        ("stateOrProvinceName", &subject.state),
        ("postalCode", &subject.postal_code),
    ];
    let extended = [
        ("companyNumber", &subject.company_number),
        ("joiLocalityName", &jurisdiction.locality),
        ("joiStateOrProvinceName", &jurisdiction.state),
        ("assumedName", &jurisdiction.assumed_name),
    ];
    let extended = extended.into_iter().filter(|_| level.is_extended());
    let harmful =
        |text: &Option<String>| text.iter().flat_map(|t| t.chars()).any(|c| !is_harmless(c));
    match texts.into_iter().chain(extended).find(|(_, text)| harmful(text)) {
        Some((parameter, _)) => {
            let why = "It has characters that hide or turn text";
            Err(Refusal::invalid_because(parameter, why))
        }
        None => Ok(()),
    }
}

/// A value as it may be certified: without blanks around it, cut to so many characters, and None if it says nothing.
#[must_use]
pub fn certifiable(value: &Option<String>, limit: usize) -> Option<String> {
    let cut: String = value.as_deref()?.trim().chars().take(limit).collect();
    Some(cut.trim_end()).filter(|text| says_something(text)).map(str::to_owned)
}

/// False for a value that only tells that there is none, like `-`, `.` or `N/A` (BR 7.1.4.2).
#[must_use]
pub fn says_something(text: &str) -> bool {
    text.chars().any(|c| c.is_alphanumeric() && is_harmless(c))
        && !matches!(text.to_ascii_lowercase().as_str(), "n/a" | "na" | "none" | "null")
}

/// False for characters that no name should have: controls, and those that turn the direction of writing, part lines or
/// cannot be seen (Unicode's default ignorable code points). Joiners and variation selectors belong to names in Persian, Indic
/// scripts and Japanese.
#[must_use]
pub fn is_harmless(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let joins_or_varies = matches!(c, '\u{200c}' | '\u{200d}')
        || CodePointSetData::new::<VariationSelector>().contains(c);
    let unseen = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    // Line and paragraph separators, and the marks of interlinear annotation.
    let parts = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    !(c.is_control() || parts || (unseen && !joins_or_varies))
}

/// Each line by itself, as each is a parameter of its own (D79).
fn streets(
    prioritise: Prioritise,
    given: &[Option<String>; 3],
    csr: &[String],
) -> Vec<Option<String>> {
    (0..given.len().max(csr.len())).map(|i| line(prioritise, given, csr, i)).collect()
}

fn line(
    prioritise: Prioritise,
    given: &[Option<String>; 3],
    csr: &[String],
    i: usize,
) -> Option<String> {
    prioritise.choose(given.get(i).cloned().flatten(), csr.get(i).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_not_certified() {
        let of = |text: &str| certifiable(&Some(text.to_owned()), 8);
        for nothing in ["", " ", "\u{a0}", "-", ".", "N/A", "none", "\u{a0}- "] {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
        assert_eq!(of("\u{a0}Łódź ").as_deref(), Some("Łódź"));
        assert_eq!(of("Example GmbH").as_deref(), Some("Example"), "no blank at the cut");
        assert_eq!(certifiable(&None, 8), None);
    }

    #[test]
    fn what_turns_or_hides_text_is_not_harmless() {
        let bad = "\0\u{7f}\u{85}\u{ad}\u{61c}\u{115f}\u{1160}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\
                   \u{2060}\u{2064}\u{2066}\u{2069}\u{3164}\u{feff}\u{ffa0}\u{fff9}\u{fffb}\u{e0001}\u{e007f}";
        let harmless: Vec<char> = bad.chars().filter(|c| is_harmless(*c)).collect();
        assert!(harmless.is_empty(), "{harmless:x?}");
        let names = "Łódź & Söhne, 株式会社 \u{a0} نامه\u{200c}ای क्\u{200d}ष 葛\u{e0100} ☎\u{fe0f}";
        assert!(names.chars().all(is_harmless));
        assert!(!says_something("\u{3164}\u{200d}"));
    }

    #[test]
    fn each_street_is_chosen_by_itself() {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let given = [Some("p1".to_owned()), Some("p2".to_owned()), None];
        let csr = texts(&["c1", "c2", "c3", "c4"]);
        for (prioritise, expected) in [
            (Prioritise::Csr, &["c1", "c2", "c3", "c4"][..]),
            (Prioritise::Parameters, &["p1", "p2", "c3", "c4"]),
            (Prioritise::ParametersOnly, &["p1", "p2"]),
            (Prioritise::CsrOnly, &["c1", "c2", "c3", "c4"]),
        ] {
            assert_eq!(streets(prioritise, &given, &csr), texts(expected), "{prioritise:?}");
        }
        let one = texts(&["c1"]);
        assert_eq!(streets(Prioritise::Csr, &given, &one), ["c1", "p2"]);
        assert_eq!(
            streets(Prioritise::Parameters, &[None, given[1].clone(), None], &one),
            ["c1", "p2"]
        );
    }

    fn streets(prioritise: Prioritise, given: &[Option<String>; 3], csr: &[String]) -> Vec<String> {
        super::streets(prioritise, given, csr).into_iter().flatten().collect()
    }
}
