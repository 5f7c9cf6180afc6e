//! Who a certificate names: organisation and address, chosen between parameters and CSR.

use crate::country::CountryCode;
use crate::csr::{CsrError, CsrSubject};
use crate::order_ssl::{Prioritise, SslOrderRequest};
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
/// -3 for what is in neither place (-8 where only the CSR counts).
pub fn choose(
    level: Level,
    request: &SslOrderRequest,
    csr: &CsrSubject,
) -> Result<Option<Subject>, Refusal> {
    if !level.names_a_subject() {
        return Ok(None);
    }
    let prioritise = request.prioritise;
    let given = &request.subject;
    let pick = |parameter: &Option<String>, in_csr: &Option<String>| {
        prioritise.choose(parameter.clone(), in_csr.clone())
    };
    let missing = |parameter: &'static str| match prioritise {
        Prioritise::CsrOnly => Refusal::Csr(CsrError::MissingField),
        Prioritise::Csr | Prioritise::Parameters | Prioritise::ParametersOnly => {
            Refusal::Missing(parameter)
        }
    };
    let streets = streets(prioritise, &given.streets, &csr.streets);
    let csr_country = csr.country.as_deref().and_then(|c| c.parse().ok());
    let subject = Subject {
        organization: pick(&given.organization, &csr.organization),
        organizational_unit: pick(&given.organizational_unit, &csr.organizational_unit),
        post_office_box: pick(&given.post_office_box, &csr.post_office_box),
        streets: streets.iter().flatten().cloned().collect(),
        locality: pick(&given.locality, &csr.locality),
        state: pick(&given.state, &csr.state),
        postal_code: pick(&given.postal_code, &csr.postal_code),
        country: prioritise.choose(given.country, csr_country),
    };
    if level.names_an_organization() && subject.organization.is_none() {
        return Err(missing("organizationName"));
    }
    if streets[0].is_none() {
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

/// Each line by itself, as each is a parameter of its own (D79).
fn streets(
    prioritise: Prioritise,
    given: &[Option<String>; 3],
    csr: &[String],
) -> Vec<Option<String>> {
    let line = |i| prioritise.choose(given.get(i).cloned().flatten(), csr.get(i).cloned());
    (0..given.len().max(csr.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
