//! Placing an order of server certificates: what a request means for a product, a CSR and an account.
//!
//! Three steps, in the order of endpoints.md section 0.4: [`before_csr`] judges what needs no CSR, [`compose`] puts
//! parameters and CSR together, [`settle`] decides on uniqueness and money with what the store knows.

mod names;
mod plans;
pub mod smime;

use crate::account::{Account, PaymentMode};
use crate::certificate::CertificateStatus;
use crate::check::{self, Check, Vouched};
use crate::csr::Csr;
use crate::dcv::{AddressSource, CONSTRUCTED, DcvMethod, UniqueValue};
use crate::identifiers::{NcaIdentifier, OrganizationIdentifier, PersonalIdentifier};
use crate::mail_address::MailAddress;
use crate::money::Money;
use crate::names::{CertName, DnsName};
use crate::order::RequestState;
use crate::order_ssl::{
    ChosenNames, Claims, DcvWishes, Prioritise, Representative, SslOrderRequest,
};
use crate::product::{Catalogue, Choice, Kind, Level};
use crate::refusal::Refusal;
use crate::subject::{self, Subject};
pub use names::choose_names;
use names::{common_name_wishes, put_together, read_list, read_single};
pub use plans::plan;
use plans::plan_ordered;

/// What [`before_csr`] finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beforehand {
    /// Product, term, licences.
    pub choice: Choice,
    /// The names, where parameters say them.
    names: Option<GivenNames>,
}

/// Names as parameters or a CSR give them.
#[derive(Clone, PartialEq, Eq, Debug)]
struct GivenNames {
    ordered: Vec<CertName>,
    written: Vec<usize>,
}

/// What [`compose`] makes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Composed {
    /// Product, term, licences.
    pub choice: Choice,
    /// The names.
    pub names: ChosenNames,
    /// How each name is to be proven: the ordered names in order, then the implicit one.
    pub plans: Vec<NamePlan>,
    /// Who the certificate will name, where the level names somebody.
    pub subject: Option<Subject>,
    /// The price, before test orders and vouchers are looked at.
    pub price: Money,
}

/// How control of one name is to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamePlan {
    /// The name.
    pub name: CertName,
    /// True for the second name that nobody ordered.
    pub implicit: bool,
    /// The method.
    pub method: DcvMethod,
    /// For mail: to whom; None until the customer chooses.
    pub address: Option<MailAddress>,
}

/// An address that a domain publishes, and the authorization domain name at which it was offered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The authorization domain name.
    pub adn: DnsName,
    /// The address.
    pub address: MailAddress,
    /// Where the domain publishes it.
    pub source: AddressSource,
}

/// What an address stands for, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpeaksFor {
    /// The authorization domain name.
    pub adn: DnsName,
    /// Why the address stands for it.
    pub source: AddressSource,
}

/// What the store knows about the request at hand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The same CSR was ordered with before (outside of the chain that is being replaced).
    pub csr_seen: bool,
    /// The same CSR with the same unique value was.
    pub token_used: bool,
    /// The account has an order with this foreignOrderNumber.
    pub foreign_order_number_used: bool,
    /// What was offered to this account within 24 hours, beyond the constructed addresses.
    pub offered: Vec<Offer>,
    /// A stub order that may be redeemed: of this account and product, not redeemed yet. None when there is none.
    pub stub_is_redeemable: bool,
}

/// An order as it is to be written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// What it costs the account or the customer: what `totalCost` says.
    pub cost: Money,
    /// What is taken from the account: [`Placement::cost`] or nothing.
    pub debit: Money,
    /// 0 or 1: the status of the answer.
    pub status: i64,
    /// The state of the request.
    pub state: RequestState,
    /// `expectedDeliveryTime` in hours.
    pub expected_hours: u32,
    /// The unique value of the token; generated when the CSR was seen before.
    pub unique_value: Option<UniqueValue>,
}

impl Placement {
    /// The status word of the answer.
    #[must_use]
    pub fn certificate_status(&self) -> CertificateStatus {
        self.state.status(None, crate::time::Time::default())
    }
}

/// Whether an account may ask for what an order claims. This comes before anything else in the order is judged (§0.4).
///
/// # Errors
/// -90, -91.
pub fn permit(claims: Claims, account: &Account) -> Result<(), Refusal> {
    let may = account.privileges;
    if claims.stub_order && !may.voucher {
        return Err(Refusal::Voucher("stubOrderNumber"));
    }
    for (claimed, allowed, parameter) in [
        (claims.ca_choice, may.ca_choice, "caCertificateID"),
        (claims.representative_validated, may.registration_authority, "isAppRepValidated"),
        (claims.call_back_completed, may.registration_authority, "isCallbackCompleted"),
    ] {
        if claimed && !allowed {
            return Err(Refusal::Permission(parameter));
        }
    }
    Ok(())
}

/// Judges what needs no CSR: product, term, licences, names, what must go together. What takes a privilege was [permitted](permit).
///
/// # Errors
/// -3, -4, -83 as the parameters deserve.
pub fn before_csr(
    request: &SslOrderRequest,
    catalogue: &Catalogue,
    account: &Account,
) -> Result<Beforehand, Refusal> {
    let may = account.privileges;
    let choice = catalogue.choose(request, may.bonus_days)?;
    let names = judge_names(&choice, request)?;
    check_call_back(&request.representative)?;
    check_other_organization(&request.representative)?;
    if request.test && !may.test_orders {
        return Err(Refusal::invalid("test"));
    }
    if request.test && request.stub_order_number.is_some() {
        // A test order costs nothing: redeeming what was paid for would throw it away.
        return Err(Refusal::NotApplicable("stubOrderNumber".to_owned()));
    }
    let level = choice.product.level;
    if level == Level::Ev && request.jurisdiction.country.is_none() {
        return Err(Refusal::Missing("joiCountryName"));
    }
    check_eidas(level, request)?;
    Ok(Beforehand { choice, names })
}

/// What parameters say of names, as far as it is wrong whatever the CSR says (§0.4 step 9): how they are written, what must
/// be among them (D62, D63), and lists that belong to them (D75). What a CSR's name is refused for too comes with it.
fn judge_names(choice: &Choice, request: &SslOrderRequest) -> Result<Option<GivenNames>, Refusal> {
    let wishes = &request.names;
    let csr_only = request.prioritise == Prioritise::CsrOnly;
    let list = choice.product.kind.is_list();
    let names = match (&wishes.domain_names, &wishes.common_name) {
        (Some(texts), _) if list && !csr_only => Some(read_list(choice, texts, "domainNames")?),
        (_, Some(text)) if !list && !csr_only => match read_single(choice, text, "commonName") {
            Ok(name) => Some(GivenNames { ordered: vec![name], written: vec![0] }),
            Err(wrong @ Refusal::Invalid(..)) => return Err(wrong),
            Err(_) => None,
        },
        _ => None,
    };
    if list {
        common_name_wishes(request, names.as_ref().map(|n| n.ordered.as_slice()))?;
    }
    if let Some(GivenNames { ordered, written }) = &names {
        plan_ordered(choice, ordered, written, request)?;
    }
    Ok(names)
}

/// One who works for another organisation brings that one's address (D87).
///
/// # Errors
/// -3.
pub fn check_other_organization(person: &Representative) -> Result<(), Refusal> {
    if person.organization.is_none() {
        return Ok(());
    }
    for (there, parameter) in [
        (person.locality.is_some() || person.state.is_some(), "appRepLocalityName"),
        (person.postal_code.is_some(), "appRepPostalCode"),
        (person.country.is_some(), "appRepCountryName"),
    ] {
        if !there {
            return Err(Refusal::Missing(parameter));
        }
    }
    Ok(())
}

/// A call-back is made to a representative who was validated before (D40).
///
/// # Errors
/// -3, -4.
pub fn check_call_back(person: &Representative) -> Result<(), Refusal> {
    match (person.is_call_back_completed, person.is_validated) {
        (Some(true), Some(false)) => Err(Refusal::invalid("isAppRepValidated")),
        (Some(true), None) => Err(Refusal::Missing("isAppRepValidated")),
        _ => Ok(()),
    }
}

/// Identifiers and roles of eIDAS products (endpoints.md sections 22.2 to 22.6, D90 to D92); for other products they are
/// kept and not looked at.
fn check_eidas(level: Level, request: &SslOrderRequest) -> Result<(), Refusal> {
    let eidas = &request.eidas;
    match level {
        Level::QwacNatural => {
            let given = eidas.personal_identifier.as_deref();
            PersonalIdentifier::parse(given.ok_or(Refusal::Missing("personalIdentifier"))?)?;
        }
        Level::QwacLegal => {
            let given = eidas.organization_identifier.as_deref();
            let given = given.ok_or(Refusal::Missing("organizationIdentifier"))?;
            OrganizationIdentifier::parse(given)?;
        }
        Level::QwacPsd2 => {
            let given = eidas.organization_identifier.as_deref();
            let given = given.ok_or(Refusal::Missing("organizationIdentifier"))?;
            let organization = OrganizationIdentifier::parse(given)?;
            let nca = eidas.nca_identifier.as_deref();
            let nca = NcaIdentifier::parse(nca.ok_or(Refusal::Missing("ncaIdentifier"))?)?;
            nca.check_agrees(&organization)?;
            let all_given = eidas.roles.iter().all(Option::is_some);
            if !all_given || !eidas.roles.contains(&Some(true)) {
                return Err(Refusal::RolesMissing);
            }
            if eidas.nca_name.is_none() && nca.name().is_none() {
                return Err(Refusal::Missing("ncaName"));
            }
        }
        Level::Dv
        | Level::Ov
        | Level::Ev
        | Level::MailboxMultipurpose
        | Level::MailboxStrict
        | Level::OrganizationMultipurpose => {}
    }
    Ok(())
}

/// Puts parameters and CSR together. `allowed`: whether a method may still be relied on.
///
/// # Errors
/// What is missing or wrong in names (-3, -4, -5, -6, -8, -18, -19, -35), methods (-4) or subject (-3, -7, -8).
pub fn compose(
    before: Beforehand,
    request: &SslOrderRequest,
    csr: &Csr,
    allowed: impl Fn(DcvMethod) -> bool,
) -> Result<Composed, Refusal> {
    let Beforehand { choice, names } = before;
    check_country(request.prioritise, csr)?;
    let names = put_together(&choice, names, request, csr)?;
    let subject = subject::choose(choice.product.level, request, &csr.subject)?;
    check_identifier_country(choice.product.level, request, subject.as_ref())?;
    let plans = plan(&choice, &names, request)?;
    check_methods(&choice, &request.dcv, &plans, allowed)?;
    let price = choice.price(names.ordered.len());
    Ok(Composed { choice, names, plans, subject, price })
}

/// Whether an order by !AutoApplyOrder names every domain name of its CSR in `domainNames` (there; !AutoApplySSL replaces them,
/// D79). What is no domain name is not looked at.
///
/// # Errors
/// -162.
pub fn check_csr_names(
    composed: &Composed,
    request: &SslOrderRequest,
    csr: &Csr,
) -> Result<(), Refusal> {
    let listed = composed.choice.product.kind.is_list() && request.names.domain_names.is_some();
    if !listed || request.prioritise == Prioritise::CsrOnly {
        return Ok(());
    }
    let in_csr = csr.san_dns.iter().chain(&csr.subject.common_name);
    let unknown = |text: &String| match text.parse::<CertName>() {
        Ok(CertName::Ip(_)) | Err(_) => false,
        Ok(name) => !composed.names.ordered.contains(&name),
    };
    let dotted = |text: &&String| text.contains('.');
    match in_csr.filter(dotted).any(unknown) {
        true => Err(Refusal::CsrNames),
        false => Ok(()),
    }
}

/// A country in the CSR is one, unless nobody looks at it (D93).
///
/// # Errors
/// -7.
pub fn check_country(prioritise: Prioritise, csr: &Csr) -> Result<(), Refusal> {
    let country = csr.subject.country.as_deref();
    match country.filter(|_| prioritise != Prioritise::ParametersOnly) {
        Some(code) if code.parse::<crate::country::CountryCode>().is_err() => {
            Err(Refusal::NotACountry(code.chars().take(64).collect()))
        }
        _ => Ok(()),
    }
}

/// An organisation's identifier belongs to the country of the subject (§22.3).
fn check_identifier_country(
    level: Level,
    request: &SslOrderRequest,
    subject: Option<&Subject>,
) -> Result<(), Refusal> {
    let given = request.eidas.organization_identifier.as_deref();
    let country = subject.and_then(|subject| subject.country);
    match (level, given, country) {
        (Level::QwacLegal | Level::QwacPsd2, Some(given), Some(country)) => {
            OrganizationIdentifier::parse(given)?.check_subject_country(country)
        }
        _ => Ok(()),
    }
}

/// Decides with what the store knows. `generate` makes a unique value when one is needed.
///
/// # Errors
/// -4 for mail addresses that were never offered, for a stub order or a foreignOrderNumber that may not be used; -55; -15.
pub fn settle(
    composed: &Composed,
    request: &SslOrderRequest,
    account: &Account,
    facts: &Facts,
    generate: impl FnOnce() -> UniqueValue,
) -> Result<Placement, Refusal> {
    // First of all: who repeats a request whose answer was lost is told that the first went through, and not that its values
    // are used up.
    if request.check_fon_is_unique && facts.foreign_order_number_used {
        return Err(Refusal::invalid("foreignOrderNumber"));
    }
    check_addresses(composed, request, facts)?;
    if request.stub_order_number.is_some() {
        if !facts.stub_is_redeemable {
            return Err(Refusal::invalid("stubOrderNumber"));
        }
        if !composed.choice.logos.is_empty() {
            let why = "A stub order pays for no add-on";
            return Err(Refusal::invalid_because("product", why));
        }
    }
    let unique_value = choose_unique_value(request.unique_value.clone(), facts, generate)?;
    let free = request.test || request.stub_order_number.is_some();
    let cost = if free { Money::ZERO } else { composed.price };
    let (checks, expected_hours) = checks_of(composed, request, account);
    let (debit, status, state) =
        price_and_state(account, cost, free, checks, RequestState::with_checks)?;
    Ok(Placement { cost, debit, status, state, expected_hours, unique_value })
}

/// What is debited, the status of the answer, and the first state: `paid` of an order that is not to be paid by the customer.
fn price_and_state(
    account: &Account,
    cost: Money,
    free: bool,
    checks: Vec<Check>,
    paid: impl FnOnce(Vec<Check>) -> RequestState,
) -> Result<(Money, i64, RequestState), Refusal> {
    let by_customer = account.payment == PaymentMode::Customer && cost > Money::ZERO;
    if by_customer {
        return Ok((Money::ZERO, 1, RequestState::AwaitingPayment { checks }));
    }
    match free || account.can_pay(cost) {
        true => Ok((cost, 0, paid(checks))),
        false => Err(Refusal::NotEnoughCredit),
    }
}

/// The unique value of a request token (D69 to D71): the given one, unless this CSR was used with it; a generated one when
/// none was given and the CSR was seen; none for a CSR that is new.
///
/// # Errors
/// -55.
pub fn choose_unique_value(
    given: Option<UniqueValue>,
    facts: &Facts,
    generate: impl FnOnce() -> UniqueValue,
) -> Result<Option<UniqueValue>, Refusal> {
    match given {
        Some(_) if facts.token_used => Err(Refusal::TokenNotUnique),
        Some(value) => Ok(Some(value)),
        None if facts.csr_seen => Ok(Some(generate())),
        None => Ok(None),
    }
}

/// The authorization domain name of a name for which an address speaks: the domain after the `@` of a constructed one,
/// else the one at which the address was offered, the widest of several (BR 3.2.2.4.4, .13, .14). None: no mail about the
/// name may go there (D73).
#[must_use]
pub fn speaks_for(name: &CertName, address: &MailAddress, offered: &[Offer]) -> Option<SpeaksFor> {
    let dns = name.dns()?;
    let constructed = CONSTRUCTED.iter().any(|local| local.eq_ignore_ascii_case(address.local()));
    if constructed && let Some(adn) = dns.authorization_name(address.domain()) {
        return Some(SpeaksFor { adn, source: AddressSource::Constructed });
    }
    let here = |offer: &&Offer| {
        offer.address.same_mailbox(address) && dns.authorization_name(offer.adn.as_str()).is_some()
    };
    let widest = offered.iter().filter(here).min_by_key(|offer| offer.adn.as_str().len())?;
    Some(SpeaksFor { adn: widest.adn.clone(), source: widest.source })
}

fn check_addresses(
    composed: &Composed,
    request: &SslOrderRequest,
    facts: &Facts,
) -> Result<(), Refusal> {
    for plan in composed.plans.iter().filter(|p| !p.implicit) {
        if let Some(address) = &plan.address
            && speaks_for(&plan.name, address, &facts.offered).is_none()
        {
            return Err(bad_address(composed.choice.product.kind, &request.dcv, &plan.name));
        }
    }
    Ok(())
}

/// A method that has ended proves no name (BR 3.2.2.4): what an order is to be proven by must still be `allowed`.
///
/// # Errors
/// -4, with the parameter in which the method was given or might have been.
pub fn check_methods(
    choice: &Choice,
    wishes: &DcvWishes,
    plans: &[NamePlan],
    allowed: impl Fn(DcvMethod) -> bool,
) -> Result<(), Refusal> {
    // Names of a private root are settled at the validation desk.
    let ended = plans.iter().find(|p| !choice.product.intranet && !allowed(p.method));
    let Some(NamePlan { method, .. }) = ended else {
        return Ok(());
    };
    let parameter = match (&wishes.addresses, &wishes.tokens) {
        (Some(_), _) => "dcvEmailAddresses",
        (None, Some(_)) => "validationTokens",
        (None, None) => "dcvMethod",
    };
    Err(Refusal::invalid_because(parameter, format!("{method} proves no name any more")))
}

/// -4 for an address that does not speak for a name, with the parameter in which it was given.
#[must_use]
pub fn bad_address(kind: Kind, wishes: &DcvWishes, name: &CertName) -> Refusal {
    let parameter = match kind.is_list() {
        false => "dcvEmailAddress",
        true if wishes.addresses.is_some() => "dcvEmailAddresses",
        true => "validationTokens",
    };
    Refusal::invalid_because(parameter, format!("Not an acceptable address for {name}"))
}

fn checks_of(
    composed: &Composed,
    request: &SslOrderRequest,
    account: &Account,
) -> (Vec<Check>, u32) {
    let level = composed.choice.product.level;
    let customer = Some(request.is_customer_validated);
    let checks = check::of_order(level, vouched(customer, &request.representative, account));
    let hours = check::expected_hours(level, &checks);
    (checks, hours)
}

/// What of these the caller says was looked at already.
#[must_use]
pub fn vouched(customer: Option<bool>, person: &Representative, account: &Account) -> Vouched {
    Vouched {
        customer: customer == Some(true),
        representative: person.is_validated == Some(true),
        call_back: person.is_call_back_completed == Some(true),
        trusted: account.privileges.registration_authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csr::{CsrDigests, CsrSubject, KeyKind, PublicKey, RequestSignature};

    fn csr(subject: CsrSubject) -> Csr {
        Csr {
            der: Vec::new(),
            digests: CsrDigests { md5: [0; 16], sha1: [0; 20], sha256: [0; 32] },
            subject,
            san_dns: Vec::new(),
            san_ips: Vec::new(),
            key: PublicKey { kind: KeyKind::P256, spki: Vec::new(), spki_sha256: [0; 32] },
            signature: RequestSignature::Sha2,
            microsoft_template: None,
        }
    }

    #[test]
    fn a_country_is_echoed_at_a_sensible_length() {
        let subject = CsrSubject { country: Some("\u{e4}".repeat(30_000)), ..Default::default() };
        let refused = check_country(Prioritise::Csr, &csr(subject)).unwrap_err();
        assert_eq!(refused, Refusal::NotACountry("\u{e4}".repeat(64)));
    }

    #[test]
    fn an_address_speaks_for_its_own_domain_or_the_one_where_it_was_offered() {
        let offer = |adn: &str, address: &str| Offer {
            adn: adn.parse().unwrap(),
            address: address.parse().unwrap(),
            source: AddressSource::Txt,
        };
        let offers = [
            offer("shop.example.com", "owner@example.net"),
            offer("a.example.com", "both@example.net"),
            offer("example.com", "both@example.net"),
            offer("b.example.com", "admin@example.com"),
        ];
        for (name, address, domain) in [
            ("www.example.com", "admin@www.example.com", Some("www.example.com")),
            ("www.example.com", "Hostmaster@EXAMPLE.com", Some("example.com")),
            ("*.example.com", "webmaster@example.com", Some("example.com")),
            ("example.com", "admin@www.example.com", None),
            ("www.example.com", "admin@ample.com", None),
            ("a.b.example.co.uk", "admin@co.uk", None),
            ("a.b.example.co.uk", "admin@example.co.uk", Some("example.co.uk")),
            ("www.example.com", "someone@example.com", None),
            ("shop.example.com", "owner@example.net", Some("shop.example.com")),
            ("www.shop.example.com", "owner@example.net", Some("shop.example.com")),
            ("*.shop.example.com", "owner@example.net", Some("shop.example.com")),
            ("example.com", "owner@example.net", None),
            ("b.example.com", "owner@example.net", None),
            // Offered at two of its domains: the wider; constructed besides: what it is constructed of.
            ("a.example.com", "both@example.net", Some("example.com")),
            ("b.example.com", "admin@example.com", Some("example.com")),
            ("8.8.8.8", "owner@example.net", None),
        ] {
            let found = speaks_for(&name.parse().unwrap(), &address.parse().unwrap(), &offers);
            assert_eq!(found.as_ref().map(|f| f.adn.as_str()), domain, "{name} {address}");
            let constructed = found.filter(|f| f.source == AddressSource::Constructed);
            let own = domain.filter(|d| address.to_ascii_lowercase().ends_with(&format!("@{d}")));
            assert_eq!(constructed.as_ref().map(|f| f.adn.as_str()), own, "{name} {address}");
        }
    }
}
