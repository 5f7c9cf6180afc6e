//! From a proof to a certificate: choosing the CA, preparing and linting, writing down, signing, keeping.

use std::sync::Arc;

use domain::certificate::{CaId, Serial, Validity};
use domain::csr::PublicKey;
use domain::identifiers::OrganizationIdentifier;
use domain::names::CertName;
use domain::order::RequestState;
use domain::policy;
use domain::product::Level;
use domain::proof::Proven;
use domain::receipt::Receipt;
use domain::subject::certifiable;
use domain::time::Time;
use issuance::ca::{self, CaCertificate, CaRole};
use issuance::folder::CaFolder;
use issuance::leaf::{self, CommonName, LeafRequest, PrepareError, Template};
use issuance::lint::{self, Linted};
use issuance::name::Attribute;
use issuance::profile::{Hierarchy, Profile, ValidationKind};
use issuance::sign::{self, SignedCertificate};
use sha2::{Digest, Sha256};
use store::certificates::NewRecord;
use store::events::{self, NewEvent};
use store::jobs::{self, Ticket};
use store::mails::NewMail;
use store::orders::{self, OrderView, StoredCsr};
use store::{Tx, certificates};

use super::Failure;
use super::bought::Bought;
use super::smime_mails;
use super::validate::{NotYet, Subject};
use crate::house::House;
use crate::letters::CertificateFacts;

/// The CAs of the house, their keys, and where their lists and certificates are published.
pub struct Authority {
    folder: CaFolder,
    profiles: Vec<Profile>,
    base_url: String,
    shards: u32,
}

impl Authority {
    /// From an opened folder. `base_url` is plain http on a public name; `shards` is how many CRLs an issuing CA has.
    #[must_use]
    pub fn new(folder: CaFolder, profiles: Vec<Profile>, base_url: String, shards: u32) -> Self {
        Self { folder, profiles, base_url, shards: shards.max(1) }
    }

    /// Every CA.
    pub fn cas(&self) -> impl Iterator<Item = &ca::Authority> {
        self.folder.authorities().iter()
    }

    /// A CA by its number.
    #[must_use]
    pub fn ca(&self, id: CaId) -> Option<&ca::Authority> {
        self.folder.by_id(id)
    }

    /// A CA by its name in URLs.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<&ca::Authority> {
        self.cas().find(|a| a.certificate.slot.slug() == slug)
    }

    /// How many CRLs an issuing CA has.
    #[must_use]
    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// Where everything is published.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The roots as PEM, of live or of test orders.
    #[must_use]
    pub fn roots_pem(&self, test: bool) -> String {
        self.folder.roots_pem(test)
    }

    /// The CA certificates above a leaf: root first.
    #[must_use]
    pub fn chain(&self, id: CaId) -> Option<Vec<Vec<u8>>> {
        let mut chain: Vec<Vec<u8>> =
            self.folder.chain(id).into_iter().map(|c| c.der.clone()).collect();
        chain.reverse();
        (!chain.is_empty()).then_some(chain)
    }

    /// Whether a CA may be asked for by number, for an order of that level, live or test, public or for an intranet.
    #[must_use]
    pub fn may_sign(&self, id: CaId, level: Level, intranet: bool, test: bool) -> bool {
        self.ca(id).is_some_and(|a| {
            let slot = a.certificate.slot;
            let kind = kind_of(level);
            slot.test == test
                && slot.hierarchy == hierarchy_of(level, intranet)
                && matches!(slot.role, CaRole::Issuing { kind: k, .. } if k == kind)
        })
    }

    fn choose(&self, order: &OrderView, bought: &Bought) -> Option<&ca::Authority> {
        if let Some(chosen) = order.ca_choice {
            let may = self.may_sign(chosen, bought.level(), bought.intranet, order.test);
            return self.ca(chosen).filter(|_| may);
        }
        let rsa = order.csr.as_ref()?.key_kind.is_rsa();
        let hierarchy = hierarchy_of(bought.level(), bought.intranet);
        self.folder.issuer_of(hierarchy, kind_of(bought.level()), rsa, order.test)
    }

    fn profile(&self, kind: ValidationKind, hierarchy: Hierarchy) -> Option<&Profile> {
        self.profiles.iter().find(|p| p.kind() == kind && p.hierarchy() == hierarchy)
    }
}

fn hierarchy_of(level: Level, intranet: bool) -> Hierarchy {
    match (level.is_mail(), intranet) {
        (true, _) => Hierarchy::Mail,
        (false, true) => Hierarchy::Private,
        (false, false) => Hierarchy::Public,
    }
}

fn kind_of(level: Level) -> ValidationKind {
    level.into()
}

/// A certificate that waits for its receipt and its signature.
pub struct ToSign {
    linted: Linted,
    proven: Proven,
    ca: CaId,
    validity: Validity,
}

/// What [`prepare`] makes.
pub struct Prepared {
    /// To be written down.
    pub record: NewRecord,
    /// To be signed.
    pub to_sign: ToSign,
    /// Names that fell away.
    pub removed: Vec<CertName>,
}

/// Chooses CA and validity, puts the certificate together and lints it.
///
/// # Errors
/// [`NotYet::Never`] when the term is over or the certificate breaks a rule.
pub fn prepare(
    house: &House,
    subject: &Subject,
    proven: Proven,
    now: Time,
) -> Result<Prepared, NotYet> {
    let never = |what: &str, why: &dyn std::fmt::Display| NotYet::Never(format!("{what}: {why}"));
    let order = &subject.order;
    let bought = subject.bought.as_ref().map_err(|why| NotYet::Never(why.clone()))?;
    if bought.amt
        || matches!(bought.level(), Level::QwacLegal | Level::QwacPsd2 | Level::QwacNatural)
    {
        // Never an ordinary certificate in place of one that says more.
        return Err(NotYet::Wait("no profile for this product yet".into()));
    }
    let authority = house.authority.choose(order, bought);
    let authority = authority.ok_or_else(|| never("CA", &"none for this order"))?;
    let certificate = &authority.certificate;
    let term_end = order.term_end.unwrap_or_else(|| policy::term_end(now, order.term_days));
    if term_end <= now {
        return Err(never("validity", &"the term is over"));
    }
    // Cut by the CA's own end; the rest of the term is served by replacements.
    let ca_end = certificate.validity().not_after;
    let is_mail = bought.level().is_mail();
    let validity = match is_mail {
        true => house.policy.smime_validity(now, term_end.min(ca_end)),
        false => house.policy.tls_validity(now, term_end.min(ca_end)),
    };
    let validity = validity.ok_or_else(|| has_run_out(certificate, order))?;
    let mut random = [0; 16];
    house.chance.fill(&mut random);
    let serial = Serial::from_random(random).ok_or_else(|| NotYet::Wait("serial".into()))?;
    let shard = u32::try_from(order.certificate.0.rem_euclid(i64::from(house.authority.shards)))
        .unwrap_or_default();
    let slug = certificate.slot.slug();
    let base = &house.authority.base_url;
    let attributes = attributes(order);
    let common_name = order.common_name.as_deref().and_then(|cn| {
        let name = proven.names().iter().find(|name| name.to_string() == cn);
        name.map(CommonName::Name).or(is_mail.then_some(CommonName::Organization))
    });
    let csr = order.csr.as_ref().ok_or_else(|| NotYet::Wait("there is no CSR yet".into()))?;
    let key = key_of(csr);
    let template = if is_mail { template_of(&csr.der) } else { None };
    let profile = house
        .authority
        .profile(kind_of(bought.level()), hierarchy_of(bought.level(), bought.intranet))
        .ok_or_else(|| never("profile", &"none for this product"))?;
    let request = LeafRequest {
        profile,
        ca: certificate,
        serial,
        validity,
        key: &key,
        names: proven.names(),
        common_name,
        subject: &attributes,
        crl_url: &ca::crl_shard_url(base, &slug, shard),
        issuer_url: &ca::certificate_url(base, &slug),
        template: template.as_ref(),
    };
    let prepared = leaf::prepare(&request).map_err(|e| match e {
        // The validation desk has to supply it.
        PrepareError::Lacks(_) => NotYet::Wait(e.to_string()),
        PrepareError::NoNames
        | PrepareError::CommonName
        | PrepareError::Template
        | PrepareError::Encoding(_) => never("prepare", &e),
    })?;
    let rules =
        lint::Rules { profile, ca: certificate, test: order.test, policy: &house.policy, now };
    let linted = lint::lint(prepared, &rules).map_err(|e| never("lint", &e))?;
    let record = NewRecord {
        certificate: order.certificate,
        serial,
        ca: certificate.id,
        tbs: linted.tbs().to_vec(),
        tbs_sha256: *linted.tbs_sha256(),
        not_before: validity.not_before,
        not_after: validity.not_after,
        crl_shard: i64::from(shard),
    };
    let removed = proven.removed().to_vec();
    let to_sign = ToSign { linted, proven, ca: certificate.id, validity };
    Ok(Prepared { record, to_sign, removed })
}

/// The order waits: it is the operator's to make the next CA, and the customer has done nothing wrong.
fn has_run_out(certificate: &CaCertificate, order: &OrderView) -> NotYet {
    let (ca, slug) = (certificate.id, certificate.slot.slug());
    tracing::error!(%ca, slug, order = %order.number, "the CA has run out: orders wait for a new one");
    NotYet::Wait(format!("the CA {slug} has run out"))
}

/// The key of an order's request.
pub(crate) fn key_of(csr: &StoredCsr) -> PublicKey {
    PublicKey {
        kind: csr.key_kind,
        spki_sha256: Sha256::digest(&csr.spki).into(),
        spki: csr.spki.clone(),
    }
}

/// The validated attributes of an order's subject; a profile leaves out what it does not take.
fn attributes(order: &OrderView) -> Vec<(Attribute, String)> {
    let kept: serde_json::Value =
        order.subject.as_deref().and_then(|s| serde_json::from_str(s).ok()).unwrap_or_default();
    let text = |name: &str| kept[name].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
    let category = match kept["business_category"].as_str() {
        Some("b") => Some("Private Organization"),
        Some("c") => Some("Government Entity"),
        Some("d") => Some("Business Entity"),
        _ => None,
    };
    let streets = kept["streets"].as_array().into_iter().flatten();
    // Asked for by many an order and seldom certified: what says nothing is left out here, and what is long is cut.
    let postal_code = certifiable(&text("postal_code"), 40);
    let streets = streets.map(|line| certifiable(&line.as_str().map(str::to_owned), 128));
    let streets = streets.map(|line| (Attribute::Street, line));
    let single = [
        (Attribute::JurisdictionLocality, text("jurisdiction_locality")),
        (Attribute::JurisdictionState, text("jurisdiction_state")),
        (Attribute::JurisdictionCountry, text("jurisdiction_country")),
        (Attribute::BusinessCategory, category.map(str::to_owned)),
        (Attribute::SerialNumber, text("company_number")),
        (Attribute::Country, text("country")),
        (Attribute::State, text("state")),
        (Attribute::Locality, text("locality")),
        (Attribute::PostalCode, postal_code),
        (Attribute::Organization, text("organization")),
        (
            Attribute::OrganizationIdentifier,
            identifier(text("organization_identifier"), text("country")),
        ),
        (Attribute::EmailAddress, text("email")),
    ];
    let all = single.into_iter().chain(streets);
    all.filter_map(|(attribute, value)| Some((attribute, value?))).collect()
}

/// Microsoft's template of a request, if it has one.
fn template_of(csr: &[u8]) -> Option<Template> {
    Template::read(&issuance::csr::microsoft_template(csr)?)
}

/// The identifier as it may be certified: of a known scheme, and of the subject's country. Any other is the validation desk's to
/// replace (D31).
fn identifier(given: Option<String>, country: Option<String>) -> Option<String> {
    let read = OrganizationIdentifier::parse(given.as_deref()?).ok()?;
    let country = country?.parse().ok()?;
    read.check_subject_country(country).ok()?;
    given
}

/// Takes up a certificate that was written down before a crash: the recorded bytes are linted again.
///
/// # Errors
/// When the record is not there or breaks a rule.
pub fn resume(
    house: &House,
    subject: &Subject,
    recorded: &certificates::Recorded,
    proven: Proven,
    now: Time,
) -> Result<ToSign, Failure> {
    let order = &subject.order;
    let internal = |what: String| Failure::Internal(format!("order {}: {what}", order.number));
    let authority = house.authority.ca(recorded.ca).ok_or_else(|| internal("no such CA".into()))?;
    let bought = subject.bought.as_ref().map_err(|why| internal(why.clone()))?;
    let profile = house
        .authority
        .profile(kind_of(bought.level()), hierarchy_of(bought.level(), bought.intranet))
        .ok_or_else(|| internal("no profile".into()))?;
    let rules = lint::Rules {
        profile,
        ca: &authority.certificate,
        test: order.test,
        policy: &house.policy,
        now,
    };
    let linted = lint::resume(&recorded.tbs, &rules).map_err(|e| internal(format!("lint: {e}")))?;
    let validity = order.validity.ok_or_else(|| internal("recorded without a validity".into()))?;
    let (not_before, not_after) = validity;
    Ok(ToSign { linted, proven, ca: recorded.ca, validity: Validity { not_before, not_after } })
}

/// Signs.
///
/// # Errors
/// When a step was skipped or the key fails.
pub fn sign(house: &House, to_sign: ToSign, receipt: &Receipt) -> Result<Signed, Failure> {
    let authority = house.authority.ca(to_sign.ca);
    let authority = authority.ok_or_else(|| Failure::Internal("no such CA".into()))?;
    let certificate = sign::sign(to_sign.linted, &to_sign.proven, receipt, authority)
        .map_err(|e| Failure::Internal(format!("sign: {e}")))?;
    Ok(Signed { certificate, by: to_sign.ca, validity: to_sign.validity })
}

/// A signed certificate and who signed it.
pub struct Signed {
    /// The certificate.
    pub certificate: SignedCertificate,
    /// Who signed.
    pub by: CaId,
    /// From when until when.
    pub validity: Validity,
}

/// A signed certificate about to be kept.
pub struct Keeping {
    /// For which request.
    pub subject: Arc<Subject>,
    /// The certificate.
    pub signed: Signed,
    /// The mail that hands it over, if somebody gets one.
    pub mail: Option<NewMail>,
    /// The lease under which it was made.
    pub ticket: Ticket,
    /// When.
    pub now: Time,
}

/// Keeps signed certificates: their rows, the requests' states, the chains' terms, the mails, the events, the jobs' ends.
///
/// # Errors
/// When the store fails. [`store::StoreError::NotOne`]: another worker, whose lease had run out, was faster.
pub fn keep(tx: &mut Tx<'_>, all: &[Keeping]) -> Result<Vec<Result<(), Failure>>, Failure> {
    tx.gather();
    let mails = all.iter().filter_map(|k| k.mail.as_ref().map(|mail| (mail, k.now))).collect();
    crate::jobs::mail::post_all(tx, mails)?;
    for Keeping { subject, signed, now, .. } in all {
        let order = &subject.order;
        let certificate = &signed.certificate;
        certificates::keep(tx, order.certificate, certificate.serial, &certificate.der, *now)?;
        orders::set_issued(tx, order.certificate, certificate.serial, *now)?;
        if order.term_end.is_none() {
            orders::set_term_end(tx, order.base, policy::term_end(*now, order.term_days))?;
        }
        let detail = serde_json::json!({ "serial": certificate.serial.to_string() });
        let event = NewEvent {
            account: order.account,
            order: Some(order.number),
            kind: "certificate.issued",
            actor: "chancery",
            detail: &detail.to_string(),
            at: *now,
        };
        events::append(tx, &event)?;
    }
    for Keeping { subject, now, .. } in all {
        if subject.order.base != subject.order.number {
            replace_older(tx, &subject.order, *now)?;
        }
    }
    let tickets: Vec<Ticket> = all.iter().map(|k| k.ticket).collect();
    jobs::finish(tx, &tickets)?;
    Ok(all.iter().map(|_| Ok(())).collect())
}

/// Gives up what was written down for a request and cannot be signed any more; the request is looked at anew.
///
/// # Errors
/// When the store fails.
pub fn give_up(tx: &mut Tx<'_>, order: &OrderView, why: &str, now: Time) -> Result<(), Failure> {
    orders::advance(tx, order, &order.state.clone().unsigned()?, now)?;
    certificates::give_up(tx, order.certificate, why, now)?;
    // Those fell away from that one; the next may have them.
    orders::set_removed_names(tx, order.certificate, "")?;
    let event = NewEvent {
        account: order.account,
        order: Some(order.number),
        kind: "certificate.given_up",
        actor: "chancery",
        detail: &serde_json::json!({ "why": why }).to_string(),
        at: now,
    };
    Ok(events::append(tx, &event)?)
}

fn replace_older(tx: &mut Tx<'_>, order: &OrderView, now: Time) -> Result<(), Failure> {
    for older in orders::chain(tx, order.base)? {
        let issued = matches!(older.state, RequestState::Issued { .. });
        if issued && older.number < order.number {
            let after = older.state.clone().replaced()?;
            orders::set_state(tx, &older, &after, now)?;
        }
    }
    Ok(())
}

/// The mail that hands a certificate over: to whom the order says, otherwise to the account's contact.
///
/// # Errors
/// When it cannot be put together.
pub fn letter(
    house: &House,
    subject: &Subject,
    signed: &Signed,
    now: Time,
) -> Result<Option<NewMail>, Failure> {
    let Subject { order, bought, account, .. } = subject;
    if subject.collecting.is_some() {
        return Ok(smime_mails::collection_mail_of(house, subject, Some(signed.validity), now));
    }
    let given: MailWishes = serde_json::from_str(&order.parameters).unwrap_or_default();
    let recipient = match given.email_address.as_deref() {
        Some(asked) if asked.eq_ignore_ascii_case("none") => return Ok(None),
        Some(address) => address.parse().ok(),
        None => account.as_ref().and_then(|a| a.contact.clone()),
    };
    let Some(recipient) = recipient else {
        return Ok(None);
    };
    let bought = bought.as_ref().map_err(|why| Failure::Internal(why.clone()))?;
    let issuer = house.authority.ca(signed.by).map(|a| a.certificate.der.clone());
    let language = given.language_name.as_deref();
    let facts = CertificateFacts {
        order: order.number,
        product: bought.name.clone(),
        name: order
            .common_name
            .clone()
            .or_else(|| signed.certificate.names.first().map(ToString::to_string))
            .unwrap_or_default(),
        recipient,
        leaf: signed.certificate.der.clone(),
        issuer: issuer.unwrap_or_default(),
        language: language.and_then(domain::order_ssl::Language::from_code).unwrap_or_default(),
        validity: signed.validity,
        brand: account.as_ref().map(|a| a.brand.clone()).unwrap_or_default(),
    };
    house.mail.certificate(order.account, &facts, now).map(Some)
}

/// The parameters that say who gets mail, and how.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailWishes {
    email_address: Option<String>,
    language_name: Option<String>,
}
