//! Looking for proofs and deciding what they are worth: from an order's open names to a certificate that is written down.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use domain::account::Account;
use domain::certificate::{AccountId, CertificateId};
use domain::dcv::{Challenge, DcvMethod, RequestToken, UniqueValue};
use domain::evidence::{CaaEvidence, Scheme};
use domain::names::{CertName, DnsName};
use domain::order::{LOOKS_FOR_A_SECOND_NAME, Next, RequestState};
use domain::proof::{self, Case, Control, Missing, Proven, WantedName};
use domain::receipt::Receipt;
use domain::time::Time;
use store::certificates::{self, NewRecord};
use store::evidence::EvidenceLine;
use store::jobs::Ticket;
use store::mails::{NewMail, Template};
use store::names::{self, RequestName};
use store::orders::{self, OrderView};
use store::{StoreError, Tx, accounts, collection, evidence, mails};
use tokio::time::timeout_at;

use super::Failure;
use super::bought::Bought;
use super::evidence_lines::caa_line;
use super::issue::{self, ToSign};
use super::look::Look;
use super::orders::end;
use super::smime_mails;
use crate::house::House;

/// A certificate request as it is looked at.
pub struct Subject {
    /// The order.
    pub order: OrderView,
    /// What it bought, or why nobody can tell.
    pub bought: Result<Bought, String>,
    /// Whose it is.
    pub account: Option<Arc<Account>>,
    /// Its names.
    pub names: Vec<RequestName>,
    /// Control shown by requests of its chain, itself included.
    pub controls: Vec<Control>,
    /// What was written down and perhaps not signed, before a crash.
    pub recorded: Option<certificates::Recorded>,
    /// Of an S/MIME order, what its collection mail is made of.
    pub collecting: Option<Collecting>,
}

/// What a collection mail is made of.
pub struct Collecting {
    /// The collection code.
    pub code: String,
    /// The account's own text.
    pub template: Option<Template>,
}

/// Loads requests with what was shown before, in the order of the list; None where there is none of that number.
///
/// # Errors
/// When the store fails.
pub fn load(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Option<Subject>>, StoreError> {
    let mut orders: HashMap<CertificateId, OrderView> =
        orders::by_certificates(tx, ids)?.into_iter().map(|o| (o.certificate, o)).collect();
    let mut names: HashMap<CertificateId, Vec<RequestName>> = HashMap::new();
    for (id, name) in names::of_requests(tx, ids)? {
        names.entry(id).or_default().push(name);
    }
    let mut collecting = collecting(tx, &orders)?;
    let mut accounts: HashMap<AccountId, Option<Arc<Account>>> = HashMap::new();
    let mut subjects = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(order) = orders.remove(id) else {
            subjects.push(None);
            continue;
        };
        let account = match accounts.entry(order.account) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                new.insert(accounts::by_id(tx, order.account)?.map(Arc::new)).clone()
            }
        };
        let names = names.remove(id).unwrap_or_default();
        let controls = if order.base == order.number {
            names.iter().filter_map(|n| n.shown.clone()).collect()
        } else {
            names::controls_of_chain(tx, order.base)?
        };
        let issuing = matches!(order.state, RequestState::Issuing { .. });
        let recorded = if issuing { certificates::recorded(tx, *id)? } else { None };
        let bought = Bought::from_json(&order.bought).map_err(|e| format!("bought: {e}"));
        let collecting = collecting.remove(id);
        subjects.push(Some(Subject {
            order,
            bought,
            account,
            names,
            controls,
            recorded,
            collecting,
        }));
    }
    Ok(subjects)
}

/// Of those among the orders that are S/MIME orders.
fn collecting(
    tx: &mut Tx<'_>,
    orders: &HashMap<CertificateId, OrderView>,
) -> Result<HashMap<CertificateId, Collecting>, StoreError> {
    let is_mail = |order: &&OrderView| {
        Bought::from_json(&order.bought).is_ok_and(|bought| bought.level().is_mail())
    };
    let ids: Vec<CertificateId> =
        orders.values().filter(is_mail).map(|order| order.certificate).collect();
    let mut found = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    for (id, code) in collection::codes_of(tx, &ids)? {
        let Some(order) = orders.get(&id) else { continue };
        let template = match smime_mails::texts_of(&order.parameters).collection {
            Some(template) => mails::template(tx, order.account, "smime_collection", template)?,
            None => None,
        };
        found.insert(id, Collecting { code, template });
    }
    Ok(found)
}

/// What came back from the outside world.
#[derive(Default)]
pub struct Findings {
    /// Everything that was asked, for the record.
    pub lines: Vec<EvidenceLine>,
    /// Control that was shown, by position.
    pub shown: Vec<(i64, Control)>,
    /// CAA record sets.
    pub caa: Vec<CaaEvidence>,
}

/// Asks for every proof that is still open and, when all ordered names have one, for CAA.
pub async fn ask(house: &Arc<House>, subject: &Subject, now: Time) -> Findings {
    let mut found = Findings::default();
    if !subject.order.state.is_looked_at() || known_key(house, &subject.order).is_some() {
        return found;
    }
    let Some(csr) = &subject.order.csr else { return found };
    let token = RequestToken::new(
        &issuance::csr::digests(&csr.der),
        subject.order.unique_value.as_deref().and_then(|u| u.parse::<UniqueValue>().ok()),
    );
    let mut look = Look::new(house, now, house.rules.look_at_most);
    // What was shown too long ago is asked for again.
    // Names that nobody ordered come after the others: what was shown for those may cover them.
    for implicit in [false, true] {
        let controls = controls_with(subject, &found);
        let covered = |n: &RequestName| is_covered(house, &n.name, &controls, now);
        let open = |n: &&RequestName| n.implicit == implicit && !covered(n);
        for name in look.at(subject.names.iter().filter(open).collect(), &token).await {
            found.lines.extend(name.lines);
            found.shown.extend(name.control.map(|control| (name.position, control)));
        }
    }
    let asks_caa = subject.bought.as_ref().is_ok_and(|b| !b.intranet);
    let controls = controls_with(subject, &found);
    let shown = |n: &RequestName| is_covered(house, &n.name, &controls, now);
    let all_ordered = subject.names.iter().filter(|n| !n.implicit).all(&shown);
    if asks_caa && all_ordered && subject.order.state.others_passed() {
        let names: Vec<&CertName> =
            subject.names.iter().filter(|n| shown(n)).map(|n| &n.name).collect();
        let mut domains: Vec<Cow<'_, DnsName>> =
            names.iter().filter_map(|name| name.caa_name()).collect();
        domains.dedup();
        let domains: Vec<&DnsName> = domains.iter().map(AsRef::as_ref).collect();
        // Without an answer in time there is none: CAA that is missing never permits.
        let sets = timeout_at(look.until(), house.asker.caa_of(&domains, now)).await;
        found.caa = sets.unwrap_or_default();
        let of = |name: &CertName| {
            found.caa.iter().find(|set| name.caa_name().is_some_and(|d| *d == set.name))
        };
        let seen = names.into_iter().filter_map(|name| Some(caa_line(house, name, of(name)?, now)));
        found.lines.extend(seen.collect::<Vec<_>>());
    }
    found
}

/// What has to be shown for a name, as its row says; None while it is not known to whom a mail goes.
#[must_use]
pub fn challenge(name: &RequestName, token: &RequestToken) -> Option<Challenge> {
    match name.method {
        DcvMethod::HttpCsrHash => Some(Challenge::File(Scheme::Http, token.clone())),
        DcvMethod::HttpsCsrHash => Some(Challenge::File(Scheme::Https, token.clone())),
        DcvMethod::CnameCsrHash => Some(Challenge::Cname(token.clone())),
        DcvMethod::DnsTxtRandomValue => name.random.clone().map(Challenge::Txt),
        DcvMethod::Email => {
            let (address, random) = (name.address.clone()?, name.random.clone()?);
            Some(Challenge::Mail(address, random))
        }
        DcvMethod::Mailbox => {
            let (mailbox, random) = (name.name.mailbox()?.clone(), name.random.clone()?);
            Some(Challenge::Mailbox(mailbox, random))
        }
    }
}

/// What is to be written about a request, decided and prepared.
pub struct Verdict {
    /// The request as it was.
    pub subject: Arc<Subject>,
    /// What was found.
    pub findings: Findings,
    /// The state after, if it changes.
    pub after: Option<RequestState>,
    /// The certificate to be written down, ready to be signed.
    pub issue: Option<(NewRecord, Option<ToSign>)>,
    /// Names that fell away.
    pub removed: Vec<CertName>,
    /// When to look again; None when there is nothing to wait for.
    pub again: Option<(Time, String)>,
    /// The order is over: it is refunded.
    pub over: Option<RequestState>,
    /// The mail that says that nothing but the key is missing; sent once.
    pub mail: Option<NewMail>,
}

/// Decides what the findings are worth. Everything slow (preparing, linting) happens here, outside of transactions.
pub fn decide(
    house: &House,
    subject: Arc<Subject>,
    findings: Findings,
    attempts: i64,
    now: Time,
) -> Verdict {
    let mut verdict = Verdict {
        after: None,
        issue: None,
        removed: Vec::new(),
        again: None,
        over: None,
        mail: None,
        subject,
        findings,
    };
    let state = verdict.subject.order.state.clone();
    if matches!(state, RequestState::AwaitingCsr { .. }) {
        verdict.without_key(house, state, now);
        return verdict;
    }
    if !state.is_looked_at() {
        verdict.rest(&state, attempts, String::new(), now);
        return verdict;
    }
    // It may have become known after the order was taken (BR 6.1.1.3).
    if let Some(why) = known_key(house, &verdict.subject.order) {
        verdict.over = state.failed(why).ok();
        return verdict;
    }
    let controls = controls_with(&verdict.subject, &verdict.findings);
    let all_ordered = verdict
        .subject
        .names
        .iter()
        .filter(|n| !n.implicit)
        .all(|n| is_covered(house, &n.name, &controls, now));
    let mut after = if all_ordered { state.clone().with_control() } else { state.clone() };
    let mut why = String::from("proofs are not there yet");
    if after == RequestState::Ready {
        let patient = attempts <= LOOKS_FOR_A_SECOND_NAME;
        match judge(house, &verdict.subject, &verdict.findings, &controls, patient, now)
            .and_then(|proven| issue::prepare(house, &verdict.subject, proven, now))
        {
            Ok(prepared) => {
                verdict.removed = prepared.removed;
                after = after.issuing(prepared.record.serial).unwrap_or_else(|_| state.clone());
                verdict.issue = Some((prepared.record, Some(prepared.to_sign)));
            }
            Err(NotYet::Wait(reason)) => why = reason,
            Err(NotYet::Never(reason)) => {
                verdict.over = after.failed(reason).ok();
                return verdict;
            }
        }
    }
    if after != state {
        verdict.after = Some(after.clone());
    }
    if verdict.issue.is_none() {
        verdict.rest(&after, attempts, why, now);
    }
    verdict
}

impl Verdict {
    /// What was shown counts while the key is missing; when nothing else is, its owner is told.
    fn without_key(&mut self, house: &House, state: RequestState, now: Time) {
        let controls = controls_with(&self.subject, &self.findings);
        let all = self.subject.names.iter().all(|n| is_covered(house, &n.name, &controls, now));
        let after = if all { state.clone().with_control() } else { state.clone() };
        if smime_mails::waits_for_the_key_alone(&after) {
            self.mail = smime_mails::collection_mail_of(house, &self.subject, None, now);
        }
        if after != state {
            self.after = Some(after.clone());
        }
        self.rest(&after, 1, String::new(), now);
    }

    fn rest(&mut self, after: &RequestState, attempts: i64, why: String, now: Time) {
        let order = &self.subject.order;
        // After the end of its term nothing is left for a replacement to certify.
        let expires = order.term_end.map_or(order.expires_at, |end| end.min(order.expires_at));
        match after.next_look(expires, attempts, &why, now) {
            Some(Next::Again(at)) => self.again = Some((at, why)),
            Some(Next::Over(end)) => self.over = Some(end),
            None => {}
        }
    }
}

/// Why a certificate cannot be made now.
pub enum NotYet {
    /// It may become possible.
    Wait(String),
    /// It will not.
    Never(String),
}

/// Judges a request whose certificate was written down before a crash once more.
///
/// # Errors
/// Why there is no proof now.
pub fn proven(
    house: &House,
    subject: &Subject,
    findings: &Findings,
    now: Time,
) -> Result<Proven, String> {
    if let Some(why) = known_key(house, &subject.order) {
        return Err(why);
    }
    let controls = controls_with(subject, findings);
    judge(house, subject, findings, &controls, false, now).map_err(|not_yet| match not_yet {
        NotYet::Wait(why) | NotYet::Never(why) => why,
    })
}

fn judge(
    house: &House,
    subject: &Subject,
    findings: &Findings,
    controls: &[Control],
    patient: bool,
    now: Time,
) -> Result<Proven, NotYet> {
    let wanted: Vec<WantedName> = subject
        .names
        .iter()
        .map(|n| WantedName { name: n.name.clone(), implicit: n.implicit })
        .collect();
    let bought = subject.bought.as_ref().map_err(|why| NotYet::Never(why.clone()))?;
    if bought.intranet {
        return Err(NotYet::Wait("intranet names are settled at the validation desk".into()));
    }
    let case = Case {
        certificate: subject.order.certificate,
        wanted: &wanted,
        controls,
        caa: Some(&findings.caa),
        identities: &house.rules.caa_identities,
        others_passed: subject.order.state.others_passed(),
        patient,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the issuing use case: the one who asks the judge"
    )]
    let judged = proof::judge(&case, &house.policy, now);
    judged.map_err(|missing| {
        NotYet::Wait(match missing {
            Missing::Control(names) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                format!("no proof for {}", names.join(", "))
            }
            Missing::Caa(refusal) => refusal.to_string(),
            Missing::OtherChecks => "other checks are open".to_owned(),
            Missing::NoNames => "no names".to_owned(),
        })
    })
}

/// A verdict about to be written.
pub struct Writing {
    /// What was decided.
    pub verdict: Verdict,
    /// The lease under which it was.
    pub ticket: Ticket,
    /// When.
    pub now: Time,
}

/// Writes verdicts. The receipts of certificates that were written down come back; they count after the commit.
///
/// # Errors
/// When the store fails. [`StoreError::NotOne`]: somebody changed a request since it was loaded, and nothing is written.
pub fn write(
    tx: &mut Tx<'_>,
    all: &[Writing],
) -> Result<Vec<Result<Option<Receipt>, Failure>>, Failure> {
    tx.gather();
    let mut ended = Vec::new();
    let mut receipts = Vec::with_capacity(all.len());
    for Writing { verdict, ticket, now } in all {
        let receipt = write_one(tx, verdict, *now)?;
        match &verdict.again {
            Some((at, why)) => store::jobs::retry(tx, *ticket, at.ms(), why)?,
            None if receipt.is_none() => ended.push(*ticket),
            None => {}
        }
        receipts.push(Ok(receipt));
    }
    if !ended.is_empty() {
        store::jobs::finish(tx, &ended)?;
    }
    Ok(receipts)
}

fn write_one(tx: &mut Tx<'_>, verdict: &Verdict, now: Time) -> Result<Option<Receipt>, Failure> {
    let order = &verdict.subject.order;
    let id = order.certificate;
    for line in &verdict.findings.lines {
        evidence::insert(tx, id, line)?;
    }
    if let Some(over) = &verdict.over {
        let as_it_is = orders::by_certificate(tx, id)?;
        if as_it_is.is_none_or(|o| o.version != order.version) {
            return Err(StoreError::NotOne { sql: "the request as it was", found: 0 }.into());
        }
        end(tx, order, over.clone(), "chancery", now)?;
    } else if let Some(after) = &verdict.after {
        orders::advance(tx, order, after, now)?;
    } else if !verdict.findings.shown.is_empty() {
        orders::touch(tx, order)?;
    }
    for (position, control) in &verdict.findings.shown {
        names::set_shown(tx, id, *position, control)?;
    }
    if let Some(mail) = &verdict.mail
        && mails::count(tx, order.number, mail.kind, Time::default())? == 0
    {
        crate::jobs::mail::post(tx, mail, now)?;
    }
    if !verdict.removed.is_empty() {
        let names: Vec<String> = verdict.removed.iter().map(ToString::to_string).collect();
        orders::set_removed_names(tx, id, &names.join(" "))?;
    }
    let recorded = verdict.issue.as_ref().map(|(record, _)| certificates::record(tx, record, now));
    Ok(recorded.transpose()?)
}

/// Why a request's key may not be certified, if others know it: by a revocation, or by the operator's lists.
fn known_key(house: &House, order: &OrderView) -> Option<String> {
    if order.key_is_compromised {
        return Some("the key is compromised: a certificate for it was revoked".to_owned());
    }
    let listed = house.weak_keys.check_lists(&issue::key_of(order.csr.as_ref()?));
    listed.err().map(|why| why.to_string())
}

fn controls_with(subject: &Subject, findings: &Findings) -> Vec<Control> {
    let found = findings.shown.iter().map(|(_, control)| control.clone());
    subject.controls.iter().cloned().chain(found).collect()
}

fn is_covered(house: &House, name: &CertName, controls: &[Control], now: Time) -> bool {
    proof::covering(name, controls, &house.policy, now).is_some()
}
