//! Handing certificates over: CollectSSL and the details of an order's names.

use std::collections::HashMap;
use std::sync::Arc;

use domain::certificate::{AccountId, CertificateId, CertificateStatus, Validity};
use domain::check::CheckKind;
use domain::proof::Control;
use issuance::collect;
use store::names::{self, RequestName};
use store::orders::OrderView;
use store::{StoreError, Tx};
use wire::collect_ssl::{
    CollectRequest, CollectStatus, Collected, Payload, QueryType, ResponseType, Selector,
    StepStatuses,
};
use wire::get_mdc_domain_details::DomainDetail;

use super::Failure;
use super::bought::Bought;
use super::login::Caller;
use super::select::{self, Known};
use super::standing::{self, Standing};
use crate::house::House;
use crate::together::Answers;

/// Answers a CollectSSL call.
///
/// # Errors
/// -3, -4 for the order; -20 rejected, expired or failed; -21 revoked; -22 awaiting payment; -26 being signed.
pub async fn collect(
    house: &Arc<House>,
    caller: &Caller,
    request: &CollectRequest,
) -> Result<Collected, Failure> {
    let (order, rows, standing) = load(house, caller, request.which).await?;
    let bought =
        Bought::from_json(&order.bought).map_err(|e| Failure::Internal(format!("bought: {e}")))?;
    select::of_servers(&bought, select::parameter(&request.which))?;
    order.state.collectable()?;
    let leaf = order.der.as_ref();
    let status = match (leaf, request.query) {
        (None, _) => CollectStatus::Pending,
        (Some(_), QueryType::Status) => CollectStatus::Available,
        (Some(_), _) => CollectStatus::Attached,
    };
    let payload = match leaf {
        Some(leaf) if status == CollectStatus::Attached => {
            payload(house, &order, request.response, leaf)?
        }
        _ => Payload::None,
    };
    let ordered = rows.iter().find(|r| !r.implicit).map(|r| r.name.to_string());
    let validity = leaf.and(order.validity);
    Ok(Collected {
        status,
        order_number: request.which.order.or(request.which.base).unwrap_or(order.number),
        validity: validity.map(|(not_before, not_after)| Validity { not_before, not_after }),
        fqdn: leaf.and(order.common_name.clone().or(ordered)),
        payload,
        certificate_status: Some(certificate_status(house, &order)),
        validation_status: Some(order.state.validation_status()),
        steps: Some(steps(&order, &bought, &rows, &standing)),
        domains: match standing::has_list(&bought) {
            true => standing::details(&order, &rows, &standing),
            false => Vec::new(),
        },
    })
}

/// The names of an order and how each stands, with the order's steps.
///
/// # Errors
/// -4 orderNumber.
pub async fn domain_details(
    house: &Arc<House>,
    caller: &Caller,
    order: domain::certificate::OrderNumber,
) -> Result<(Vec<DomainDetail>, StepStatuses), Failure> {
    let which = Selector { order: Some(order), ..Selector::default() };
    let (order, rows, standing) = load(house, caller, which).await?;
    let bought =
        Bought::from_json(&order.bought).map_err(|e| Failure::Internal(format!("bought: {e}")))?;
    select::of_servers(&bought, "orderNumber")?;
    let details = standing::details(&order, &rows, &standing);
    Ok((details, steps(&order, &bought, &rows, &standing)))
}

/// The order and its names, with values that may still be published, and what is shown for them. What earlier orders of
/// the chain have shown counts while a replacement waits.
async fn load<'a>(
    house: &'a Arc<House>,
    caller: &Caller,
    which: Selector,
) -> Result<(OrderView, Vec<RequestName>, Standing<'a>), Failure> {
    let wanted = Wanted { account: caller.account().id, which };
    let Loaded { order, rows, chain } = house.collected.ask(wanted).await?;
    let standing = Standing::new(house, &rows, chain);
    let rows = standing::renew_values(house, &order, rows, &standing).await?;
    Ok((order, rows, standing))
}

/// An order of an account that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    account: AccountId,
    which: Selector,
}

/// An order, its names, and what other orders of its chain have shown.
#[derive(Debug)]
pub struct Loaded {
    order: OrderView,
    rows: Vec<RequestName>,
    chain: Vec<Control>,
}

/// What these ask for.
///
/// # Errors
/// When the store fails; the answer to each may be a refusal as of [`select::by_selector`].
pub fn look_up(tx: &mut Tx<'_>, all: &[Wanted]) -> Result<Answers<Loaded>, Failure> {
    if let [Wanted { account, which }] = all {
        let order = select::by_selector(tx, *account, which)?;
        let rows = names::of_request(tx, order.certificate)?;
        return Ok(vec![Ok(loaded(tx, order, rows)?)]);
    }
    let mut known = Known::of(tx, all.iter().map(|wanted| &wanted.which))?;
    let of = |wanted: &Wanted| select::among(&mut known, wanted.account, &wanted.which);
    let found: Vec<Result<OrderView, Failure>> = all.iter().map(of).collect();
    let ids: Vec<CertificateId> = found.iter().flatten().map(|order| order.certificate).collect();
    let mut rows: HashMap<CertificateId, Vec<RequestName>> = HashMap::new();
    for (id, name) in names::of_requests(tx, &ids)? {
        rows.entry(id).or_default().push(name);
    }
    let mut answers = Vec::with_capacity(found.len());
    for order in found {
        answers.push(match order {
            Ok(order) => {
                let rows = rows.get(&order.certificate).cloned().unwrap_or_default();
                Ok(loaded(tx, order, rows)?)
            }
            Err(refused) => Err(refused),
        });
    }
    Ok(answers)
}

fn loaded(tx: &mut Tx<'_>, order: OrderView, rows: Vec<RequestName>) -> Result<Loaded, StoreError> {
    let chain = match order.base != order.number && order.state.is_open() {
        true => names::controls_of_chain(tx, order.base)?,
        false => Vec::new(),
    };
    Ok(Loaded { order, rows, chain })
}

/// The status word of an order's request.
#[must_use]
pub fn certificate_status(house: &House, order: &OrderView) -> CertificateStatus {
    order.state.status(order.validity.map(|(_, end)| end), house.now())
}

fn payload(
    house: &House,
    order: &OrderView,
    response: ResponseType,
    leaf: &[u8],
) -> Result<Payload, Failure> {
    let ca = order.ca.ok_or_else(|| Failure::Internal("a certificate without a CA".into()))?;
    let chain = house.authority.chain(ca).ok_or_else(|| {
        Failure::Internal(format!("CA {ca} is not in this house: its folder was exchanged"))
    })?;
    let leaf_first = || -> Vec<&[u8]> {
        let above = chain.iter().rev().map(Vec::as_slice);
        std::iter::once(leaf).chain(above).collect()
    };
    let odd =
        |e: collect::NotDer| Failure::Internal(format!("CA {ca} or a certificate of it: {e}"));
    Ok(match response {
        ResponseType::Individual => Payload::Individual { chain, leaf: leaf.to_vec() },
        ResponseType::Pkcs7 => Payload::Pkcs7(collect::pkcs7(&leaf_first()).map_err(odd)?),
        ResponseType::Netscape => {
            Payload::Netscape(collect::netscape_sequence(&leaf_first()).map_err(odd)?)
        }
        ResponseType::Zip => {
            let name = order.common_name.clone().unwrap_or_else(|| order.number.to_string());
            let (not_before, _) = order.validity.ok_or_else(|| {
                Failure::Internal(format!("order {}: a certificate without dates", order.number))
            })?;
            let above: Vec<&[u8]> = chain.iter().rev().map(Vec::as_slice).collect();
            let zip = collect::bundle(&name, leaf, &above[..1], not_before)
                .map_err(|e| Failure::Internal(format!("zip: {e}")))?;
            Payload::Zip(zip)
        }
    })
}

fn steps(
    order: &OrderView,
    bought: &Bought,
    rows: &[RequestName],
    standing: &Standing<'_>,
) -> StepStatuses {
    let level = bought.level();
    let step = |kind| order.state.has_completed(level, kind).map_or(-1, i8::from);
    let ordered = || rows.iter().filter(|r| !r.implicit);
    let shown = ordered().filter(|r| standing.of(r).is_some()).count();
    let dcv = match (shown, ordered().count()) {
        _ if step(CheckKind::DomainControl) == 1 => 1,
        (0, _) => 0,
        (some, all) if some < all => 2,
        _ => 1,
    };
    let extended = level.is_extended();
    StepStatuses {
        csr: 1,
        dcv,
        ov_call_back: step(CheckKind::CallBack),
        organization_validation: step(CheckKind::Organization),
        free_dvup: -1,
        ev_click_through: extended.then(|| step(CheckKind::Agreement)),
        brand_validation: extended.then_some(-1),
    }
}
