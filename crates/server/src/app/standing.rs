//! How each name of an order stands: what was shown for it and still counts, and what is shown to callers of that.

use std::sync::Arc;

use domain::dcv::{DcvMethod, RANDOM_VALUE_AGE, RandomValue};
use domain::order::RequestState;
use domain::policy::Policy;
use domain::proof::{self, Control};
use domain::time::Time;
use store::Tx;
use store::names::{self, RequestName};
use store::orders::OrderView;
use wire::get_mdc_domain_details::DomainDetail;

use super::Failure;
use super::bought::Bought;
use crate::house::House;

/// What counts, at a moment, of the control that was shown for an order's names: by itself, or by its chain.
pub struct Standing<'a> {
    policy: &'a Policy,
    now: Time,
    controls: Vec<Control>,
}

impl<'a> Standing<'a> {
    /// Of an order's names, with the controls of its chain where they were loaded.
    #[must_use]
    pub fn new(house: &'a House, rows: &[RequestName], chain: Vec<Control>) -> Self {
        let own = rows.iter().filter_map(|row| row.shown.clone());
        Self { policy: &house.policy, now: house.now(), controls: own.chain(chain).collect() }
    }

    /// The control that covers a name: the name's own, or another.
    #[must_use]
    pub fn of<'r>(&'r self, row: &'r RequestName) -> Option<&'r Control> {
        let own = row.shown.as_ref().filter(|c| proof::counts(c, self.policy, self.now));
        own.or_else(|| proof::covering(&row.name, &self.controls, self.policy, self.now))
    }
}

/// Whether a value that is looked for in DNS is too old to be accepted (BR 3.2.2.4.7), while the order waits for it.
fn is_stale(order: &OrderView, row: &RequestName, standing: &Standing<'_>) -> bool {
    let old = |r: &RandomValue| standing.now.since(r.made) >= RANDOM_VALUE_AGE;
    order.state.is_open()
        && row.method == DcvMethod::DnsTxtRandomValue
        && row.random.as_ref().is_some_and(old)
        && standing.of(row).is_none()
}

/// Renews an order's values that are too old, and gives the names as they are then.
pub(crate) async fn renew_values(
    house: &Arc<House>,
    order: &OrderView,
    rows: Vec<RequestName>,
    standing: &Standing<'_>,
) -> Result<Vec<RequestName>, Failure> {
    let old: Vec<RequestName> =
        rows.iter().filter(|row| is_stale(order, row, standing)).cloned().collect();
    if old.is_empty() {
        return Ok(rows);
    }
    let (desk, certificate) = (house.clone(), order.certificate);
    let write = move |tx: &mut Tx<'_>| -> Result<_, Failure> {
        for row in &old {
            names::renew(tx, certificate, row, &desk.random_value())?;
        }
        Ok(names::of_request(tx, certificate)?)
    };
    house.store.write("renew_random_values", write).await
}

/// How each name of an order stands. Control may have been shown by an earlier order of the chain, or for a domain
/// above. Once there is a certificate, it tells.
#[must_use]
pub fn details(
    order: &OrderView,
    rows: &[RequestName],
    standing: &Standing<'_>,
) -> Vec<DomainDetail> {
    let certified = order.der.is_some();
    let issuing = matches!(order.state, RequestState::Issuing { .. });
    let removed = |name: &str| {
        certified && order.removed_names.iter().flat_map(|all| all.split(' ')).any(|n| n == name)
    };
    rows.iter()
        .map(|row| {
            let domain = row.name.to_string();
            let removed = removed(&domain);
            let control = if certified { row.shown.as_ref() } else { standing.of(row) };
            let shown = control.is_some() || certified || (issuing && !row.implicit);
            DomainDetail {
                removed,
                validated: shown && !removed,
                domain,
                method: control.map_or(row.method, |c| c.method),
                random_value: (row.method == DcvMethod::DnsTxtRandomValue && !shown)
                    .then(|| row.random.as_ref().map(|r| r.text.clone()))
                    .flatten(),
            }
        })
        .collect()
}

/// True for products with a list of names.
#[must_use]
pub fn has_list(bought: &Bought) -> bool {
    bought.kind().is_list()
}
