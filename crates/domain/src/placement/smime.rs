//! Placing an order of an S/MIME certificate, by the same three steps as one of server certificates.

use super::{Facts, Placement, price_and_state, vouched};
use crate::account::Account;
use crate::check::{self, Check, CheckKind, CheckState};
use crate::csr::Csr;
use crate::identifiers::OrganizationIdentifier;
use crate::mail_address::MailAddress;
use crate::money::Money;
use crate::order::RequestState;
use crate::order_smime::SmimeOrderRequest;
use crate::product::{Catalogue, Choice, Level};
use crate::refusal::Refusal;
use crate::subject::{self, Subject};

/// What [`compose`] makes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComposedSmime {
    /// Product and term.
    pub choice: Choice,
    /// The mailbox.
    pub mailbox: MailAddress,
    /// Who the certificate will name.
    pub subject: SmimeSubject,
    /// The price, before test orders are looked at.
    pub price: Money,
}

/// Who an S/MIME certificate names besides its mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SmimeSubject {
    /// Of products that name an organisation, the organisation.
    pub organization: Option<Subject>,
    /// The common name: the mailbox where nobody else is named, the organisation's name where that is asked for.
    pub common_name: Option<String>,
    /// The mailbox as emailAddress.
    pub email: Option<MailAddress>,
    /// `organizationIdentifier`, as given: its form is judged when the certificate is made, unless it claims a scheme and
    /// breaks it (D31, amended).
    pub organization_identifier: Option<String>,
    /// That identifier was made of companyNumber: a person has to confirm it.
    pub identifier_is_derived: bool,
}

/// Judges what needs no CSR: product and term, what must go together, identifiers.
///
/// # Errors
/// -3, -4, -118, -121 as the parameters deserve.
pub fn before_csr(
    request: &SmimeOrderRequest,
    catalogue: &Catalogue,
    account: &Account,
) -> Result<Choice, Refusal> {
    let choice = catalogue.choose_smime(request)?;
    super::check_call_back(&request.representative)?;
    if request.test && !account.privileges.test_orders {
        return Err(Refusal::invalid("test"));
    }
    if let Some(given) = &request.subject_email
        && *given != request.mailbox
    {
        let why = "It is not the mailbox of sanEmailAddress";
        return Err(Refusal::invalid_because("smimeSubjectEmail", why));
    }
    if choice.product.level == Level::OrganizationMultipurpose {
        check_identifier(request.organization_identifier.as_deref())?;
    }
    Ok(choice)
}

/// An identifier that claims a scheme keeps its form; any other text is the validation desk's to read.
fn check_identifier(given: Option<&str>) -> Result<(), Refusal> {
    match given {
        Some(text) if text.starts_with("TAX") => Err(Refusal::TaxDeprecated),
        Some(text) if OrganizationIdentifier::claimed_scheme(text).is_some() => {
            OrganizationIdentifier::parse(text).map(drop)
        }
        _ => Ok(()),
    }
}

/// Puts parameters and CSR together, if there is one.
///
/// # Errors
/// -3, -4, -7, -8 for the subject.
pub fn compose(
    choice: Choice,
    request: &SmimeOrderRequest,
    csr: Option<&Csr>,
) -> Result<ComposedSmime, Refusal> {
    let level = choice.product.level;
    if level.names_a_subject()
        && let Some(csr) = csr
    {
        super::check_country(request.prioritise, csr)?;
    }
    let organization = subject::choose_smime(level, request, csr.map(|csr| &csr.subject))?;
    let named = organization.as_ref().and_then(|o| o.organization.clone());
    let common_name = match named {
        Some(name) => Some(name).filter(|_| request.subject_common_name),
        // So that mail programs have something to show.
        None => Some(request.mailbox.to_string()).filter(|text| text.len() <= 64),
    };
    let subject = SmimeSubject {
        organization,
        common_name,
        email: request.subject_email.clone(),
        organization_identifier: identifier(request),
        identifier_is_derived: request.organization_identifier.is_none(),
    };
    let price = choice.price(1);
    Ok(ComposedSmime { choice, mailbox: request.mailbox.clone(), subject, price })
}

/// The given identifier, else one made of companyNumber and country (D31).
fn identifier(request: &SmimeOrderRequest) -> Option<String> {
    let made = || {
        let (country, number) =
            (request.subject.country?, request.subject.company_number.as_deref()?);
        let text = format!("NTR{country}-{}", number.trim());
        OrganizationIdentifier::parse(&text).is_ok().then_some(text)
    };
    request.organization_identifier.clone().or_else(made)
}

/// Decides with what the store knows. `proven`: the mailbox was proven to this account so lately that it counts; `has_key`:
/// there is a CSR.
///
/// # Errors
/// -4 for a foreignOrderNumber that may not be used; -15.
pub fn settle(
    composed: &ComposedSmime,
    request: &SmimeOrderRequest,
    account: &Account,
    facts: &Facts,
    proven: bool,
    has_key: bool,
) -> Result<Placement, Refusal> {
    if request.check_fon_is_unique && facts.foreign_order_number_used {
        return Err(Refusal::invalid("foreignOrderNumber"));
    }
    let level = composed.choice.product.level;
    let customer = Some(request.is_customer_validated);
    let vouched = vouched(customer, &request.representative, account);
    let mut checks = check::of_order(level, vouched);
    if level.names_an_organization() && composed.subject.identifier_is_derived {
        ask_a_person(&mut checks);
    }
    let expected_hours = check::expected_hours(level, &checks);
    if proven {
        pass_control(&mut checks);
    }
    let state = |checks| match has_key {
        true => RequestState::with_checks(checks),
        false => RequestState::AwaitingCsr { checks },
    };
    let cost = if request.test { Money::ZERO } else { composed.price };
    let (debit, status, state) = price_and_state(account, cost, request.test, checks, state)?;
    Ok(Placement { cost, debit, status, state, expected_hours, unique_value: None })
}

/// Somebody looks at the organisation, also where a caller vouches for it.
fn ask_a_person(checks: &mut Vec<Check>) {
    let passed = |c: &Check| c.kind == CheckKind::Organization && c.state == CheckState::Passed;
    let asked = |c: &Check| c.kind == CheckKind::Approval;
    if checks.iter().any(passed) && !checks.iter().any(asked) {
        checks.push(Check { kind: CheckKind::Approval, state: CheckState::Open });
    }
}

/// The mailbox was proven before.
pub fn pass_control(checks: &mut [Check]) {
    for check in checks.iter_mut().filter(|c| c.kind == CheckKind::MailboxControl) {
        check.state = CheckState::Passed;
    }
}
