//! The names of a replacement, and how each is to be proven: what the call says, what the order said, and what its CSR brings.

use domain::csr::Csr;
use domain::dcv::DcvMethod;
use domain::names::CertName;
use domain::order_ssl::{ChosenNames, DcvWishes, Prioritise, SslOrderRequest};
use domain::placement::{self, NamePlan};
use domain::product::{Choice, Kind};
use domain::refusal::Refusal;
use store::names::RequestName;
use store::orders::OrderView;

use super::{Replacement, before, choice_of};
use crate::app::bought::Bought;
impl Replacement {
    /// The names, and how each is to be proven. Where the call names none, those stay that the order named by a parameter; those
    /// that it took from its CSR are in the new one.
    pub(super) fn plans(
        &self,
        old: &OrderView,
        bought: &Bought,
        old_names: &[RequestName],
        csr: &Csr,
    ) -> Result<(ChosenNames, Vec<NamePlan>), Refusal> {
        let mut request = self.as_order(old);
        let ordered: Vec<&RequestName> = old_names.iter().filter(|n| !n.implicit).collect();
        let choice = choice_of(old, bought);
        let csr_names = !(csr.san_dns.is_empty() && csr.san_ips.is_empty());
        let by_csr = |parameter: &str, brings_names: bool| {
            self.csr.is_some() && brings_names && before(old, parameter).is_none()
        };
        let wishes = &mut request.names;
        if choice.product.kind.is_list() {
            if wishes.domain_names.is_none() && !by_csr("domainNames", csr_names) {
                wishes.domain_names = Some(ordered.iter().map(|n| n.name.to_string()).collect());
            }
        } else if wishes.common_name.is_none() && !by_csr("commonName", true) {
            wishes.common_name = ordered.first().map(|n| n.name.to_string());
        }
        if request.names.primary.is_none() && choice.product.kind.is_list() {
            request.names.primary = self.primary(old, choice.product.kind, &request, csr);
        }
        if self.request.omit_additional.is_none() {
            request.names.omit_additional = !old_names.iter().any(|n| n.implicit);
        }
        let chosen = placement::choose_names(&choice, &request, csr)?;
        self.stays_within(&choice, bought, old_names, &ordered, &chosen)?;
        let mut plans = placement::plan(&choice, &chosen, &request)?;
        if self.request.dcv == DcvWishes::default() {
            let usual = usual_method(old, &ordered);
            for plan in &mut plans {
                if let Some(before) = old_names.iter().find(|n| n.name == plan.name) {
                    plan.method = before.method;
                    plan.address.clone_from(&before.address);
                } else if let Some(method) = usual {
                    if !method.fits(&plan.name) && !choice.product.intranet {
                        let why = format!("{method} cannot prove {}", plan.name);
                        return Err(Refusal::invalid_because("dcvMethod", why));
                    }
                    plan.method = method;
                }
            }
        }
        let allowed = |method| self.house.policy.method_allowed(method, self.now);
        placement::check_methods(&choice, &self.request.dcv, &plans, allowed)?;
        Ok((chosen, plans))
    }

    /// The common name that stays where none is named: the one that the order named, else the one that it had, as long as it is
    /// among the new names. A new CSR of a UCC order may bring another (D60).
    fn primary(
        &self,
        old: &OrderView,
        kind: Kind,
        request: &SslOrderRequest,
        csr: &Csr,
    ) -> Option<String> {
        let name = |text: &str| text.trim().parse::<CertName>().ok();
        let in_csr = || csr.san_dns.iter().filter_map(|text| name(text));
        let listed: Vec<CertName> = match &request.names.domain_names {
            Some(given) if request.prioritise != Prioritise::CsrOnly => {
                given.iter().filter_map(|text| name(text)).collect()
            }
            _ => in_csr().chain(csr.san_ips.iter().copied().map(CertName::Ip)).collect(),
        };
        let stays = |text: &String| name(text).is_some_and(|name| listed.contains(&name));
        let brought =
            csr.subject.common_name.as_ref().filter(|_| kind == Kind::Ucc && self.csr.is_some());
        let named = before(old, "primaryDomainName").filter(stays);
        match brought.filter(|cn| stays(cn)) {
            Some(_) => named,
            None => named.or_else(|| old.common_name.clone().filter(stays)),
        }
    }

    /// `prioritiseCSRValues` as given, else as the order had it.
    pub(super) fn prioritise(&self, old: &OrderView) -> Prioritise {
        match self.request.prioritise {
            Some(given) => given,
            None => before(old, "prioritiseCSRValues")
                .and_then(|word| Prioritise::from_word(&word))
                .unwrap_or_default(),
        }
    }

    /// A replacement is for what was bought: the same single name or its twin, no more names than were paid for.
    fn stays_within(
        &self,
        choice: &Choice,
        bought: &Bought,
        old_names: &[RequestName],
        ordered: &[&RequestName],
        chosen: &ChosenNames,
    ) -> Result<(), Refusal> {
        if choice.product.kind.is_list() {
            let paid = bought.names.max(bought.included_names) as usize;
            let paid = paid.max(ordered.len());
            if chosen.ordered.len() > paid {
                let why = format!("The order paid for {paid} names");
                return Err(Refusal::invalid_because("domainNames", why));
            }
            return Ok(());
        }
        let twin = |name: &CertName| match name {
            CertName::Dns(dns) => dns.www_twin().map(CertName::Dns),
            CertName::Wildcard(_) | CertName::Ip(_) | CertName::Mail(_) => None,
        };
        let first = &chosen.ordered[0];
        let known = old_names.iter().any(|n| n.name == *first)
            || ordered.iter().any(|n| twin(&n.name).as_ref() == Some(first));
        if known {
            return Ok(());
        }
        let parameter = if self.request.names.common_name.is_some() { "commonName" } else { "csr" };
        Err(Refusal::invalid_because(parameter, "The order is for another name"))
    }

    fn as_order(&self, old: &OrderView) -> SslOrderRequest {
        let r = &self.request;
        SslOrderRequest {
            products: vec![old.product],
            days: None,
            years: None,
            servers: None,
            server_software: r.server_software.unwrap_or(-1),
            csr: String::new(),
            unique_value: r.unique_value.clone(),
            prioritise: if r.csr.is_some() { self.prioritise(old) } else { Prioritise::Parameters },
            signature_hash: r.signature_hash,
            names: domain::order_ssl::NameWishes {
                omit_additional: r.omit_additional.unwrap_or(false),
                // Only 0 says something of names that are others now: 1 is what a primary name has anyway.
                max_subject_cns: r.names.max_subject_cns.or_else(|| {
                    before(old, "maxSubjectCNs").and_then(|n| n.parse().ok()).filter(|n| *n == 0)
                }),
                ..r.names.clone()
            },
            subject: r.subject.clone(),
            jurisdiction: r.jurisdiction.clone(),
            mails: r.mails.clone(),
            dcv: r.dcv.clone(),
            texts: r.texts.clone(),
            representative: r.representative.clone(),
            eidas: r.eidas.clone(),
            trust_logo: domain::order_ssl::TrustLogoDetails::default(),
            ca_certificate_id: r.ca_certificate_id,
            stub_order_number: None,
            is_customer_validated: r.is_customer_validated.unwrap_or(false),
            foreign_order_number: r.foreign_order_number.clone(),
            check_fon_is_unique: false,
            test: old.test,
            do_auto_ov: false,
            ignore_master_account: false,
            disable_swp: false,
            reply: r.reply,
            kept: r.kept.clone(),
        }
    }
}

/// The way of a name that is new and of which the call says nothing: that of all the others, or else the one that the order was
/// placed with. Where it cannot prove the name, it is refused like one that is given.
fn usual_method(old: &OrderView, ordered: &[&RequestName]) -> Option<DcvMethod> {
    let mut methods = ordered.iter().map(|name| name.method);
    let first = methods.next();
    match methods.all(|method| Some(method) == first) {
        true => first,
        false => before(old, "dcvMethod").and_then(|word| word.parse().ok()),
    }
}
