//! Finding the order that a call means: by number, by certificate, by the chain's first number.

use std::collections::{BTreeSet, HashMap};

use domain::certificate::{AccountId, CertificateId, OrderNumber};
use domain::refusal::Refusal;
use store::orders::{self, OrderView};
use store::{StoreError, Tx};
use wire::collect_ssl::Selector;

use super::Failure;
use super::bought::Bought;

/// The order that a selector means: the newest of the chain for order numbers, that very one for a certificate ID and for the
/// number of a replacement that came to nothing and was followed by none: who asks for it does not take the certificate before it
/// for an answer. Foreign and unknown orders give the same answer.
///
/// # Errors
/// -4 with the parameter's name; -3 orderNumber when nothing was named.
pub fn by_selector(
    tx: &mut Tx<'_>,
    account: AccountId,
    which: &Selector,
) -> Result<OrderView, Failure> {
    choose(&mut Asked(tx), account, which)
}

/// The same for orders that were looked up before.
///
/// # Errors
/// As [`by_selector`].
pub fn among(
    known: &mut Known,
    account: AccountId,
    which: &Selector,
) -> Result<OrderView, Failure> {
    choose(known, account, which)
}

/// Where orders are found.
trait Source {
    /// The newest order of the chain that begins with this number.
    fn newest(&mut self, base: OrderNumber) -> Result<Option<OrderView>, StoreError>;
    /// A replacement, by its own number.
    fn replacement(&mut self, number: OrderNumber) -> Result<Option<OrderView>, StoreError>;
    /// The order of a certificate.
    fn of_certificate(&mut self, id: CertificateId) -> Result<Option<OrderView>, StoreError>;
}

fn choose(
    source: &mut impl Source,
    account: AccountId,
    which: &Selector,
) -> Result<OrderView, Failure> {
    let mut found: Option<OrderView> = None;
    let mut agree = |parameter, view: Option<OrderView>| {
        let view = view.filter(|order| order.account == account);
        let view = view.filter(|v| found.as_ref().is_none_or(|f| f.base == v.base));
        // A certificate ID is the most exact; it is looked at last and wins.
        found = Some(view.ok_or(Refusal::invalid(parameter))?);
        Ok::<_, Refusal>(())
    };
    if let Some(base) = which.base {
        agree("baseOrderNumber", source.newest(base)?)?;
    }
    if let Some(number) = which.order {
        agree("orderNumber", meant_by(source, number)?)?;
    }
    if let Some(certificate) = which.certificate {
        agree("certificateID", source.of_certificate(certificate)?)?;
    }
    found.ok_or(Failure::Refused(Refusal::Missing("orderNumber")))
}

fn meant_by(
    source: &mut impl Source,
    number: OrderNumber,
) -> Result<Option<OrderView>, StoreError> {
    if let Some(order) = source.newest(number)? {
        return Ok(Some(order));
    }
    let Some(order) = source.replacement(number)? else { return Ok(None) };
    let newest = source.newest(order.base)?;
    let is_later = |newest: &OrderView| newest.number > order.number;
    match order.state.came_to_nothing() && !newest.as_ref().is_some_and(is_later) {
        true => Ok(Some(order)),
        false => Ok(newest),
    }
}

/// The database.
struct Asked<'t, 's>(&'t mut Tx<'s>);

impl Source for Asked<'_, '_> {
    fn newest(&mut self, base: OrderNumber) -> Result<Option<OrderView>, StoreError> {
        orders::newest(self.0, base)
    }

    fn replacement(&mut self, number: OrderNumber) -> Result<Option<OrderView>, StoreError> {
        orders::by_number(self.0, number)
    }

    fn of_certificate(&mut self, id: CertificateId) -> Result<Option<OrderView>, StoreError> {
        orders::by_certificate(self.0, id)
    }
}

/// All orders that some selectors may mean.
pub struct Known {
    newest: HashMap<OrderNumber, OrderView>,
    replacements: HashMap<OrderNumber, OrderView>,
    certificates: HashMap<CertificateId, OrderView>,
}

impl Known {
    /// Looks them up in as few queries as may be: one, where every number is the first of its chain.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of<'s>(
        tx: &mut Tx<'_>,
        all: impl Iterator<Item = &'s Selector> + Clone,
    ) -> Result<Self, StoreError> {
        let numbers: BTreeSet<OrderNumber> =
            all.clone().flat_map(|which| [which.base, which.order]).flatten().collect();
        let mut newest = newest_of(tx, &numbers)?;
        let others: BTreeSet<OrderNumber> = all
            .clone()
            .filter_map(|which| which.order)
            .filter(|number| !newest.contains_key(number))
            .collect();
        let replacements =
            if others.is_empty() { Vec::new() } else { orders::by_numbers(tx, &others)? };
        let replacements: HashMap<OrderNumber, OrderView> =
            replacements.into_iter().map(|order| (order.number, order)).collect();
        let bases = replacements.values().map(|order| order.base);
        let more: BTreeSet<OrderNumber> = bases.filter(|base| !newest.contains_key(base)).collect();
        newest.extend(newest_of(tx, &more)?);
        let ids: Vec<CertificateId> = all.filter_map(|which| which.certificate).collect();
        let certificates = match ids.as_slice() {
            [] => Vec::new(),
            ids => orders::by_certificates(tx, ids)?,
        };
        let certificates = certificates.into_iter().map(|order| (order.certificate, order));
        Ok(Self { newest, replacements, certificates: certificates.collect() })
    }
}

fn newest_of(
    tx: &mut Tx<'_>,
    bases: &BTreeSet<OrderNumber>,
) -> Result<HashMap<OrderNumber, OrderView>, StoreError> {
    let found = if bases.is_empty() { Vec::new() } else { orders::newest_of(tx, bases)? };
    Ok(found.into_iter().map(|order| (order.base, order)).collect())
}

impl Source for Known {
    fn newest(&mut self, base: OrderNumber) -> Result<Option<OrderView>, StoreError> {
        Ok(self.newest.get(&base).cloned())
    }

    fn replacement(&mut self, number: OrderNumber) -> Result<Option<OrderView>, StoreError> {
        Ok(self.replacements.get(&number).cloned())
    }

    fn of_certificate(&mut self, id: CertificateId) -> Result<Option<OrderView>, StoreError> {
        Ok(self.certificates.get(&id).cloned())
    }
}

/// Whether an order is one of server certificates: what is for those alone knows no others.
///
/// # Errors
/// -4 with the parameter that named the order.
pub fn of_servers(bought: &Bought, parameter: &'static str) -> Result<(), Refusal> {
    match bought.level().is_mail() {
        true => Err(Refusal::invalid(parameter)),
        false => Ok(()),
    }
}

/// The parameter by which a selector is refused.
#[must_use]
pub fn parameter(which: &Selector) -> &'static str {
    match (which.certificate, which.order) {
        (Some(_), _) => "certificateID",
        (None, Some(_)) => "orderNumber",
        (None, None) => "baseOrderNumber",
    }
}

/// The order with exactly this number, if it is the account's.
///
/// # Errors
/// When the store fails.
pub fn exact(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: OrderNumber,
) -> Result<Option<OrderView>, StoreError> {
    Ok(orders::by_number(tx, number)?.filter(|o| o.account == account))
}

/// The newest order of the chain to which a number belongs, if it is the account's.
///
/// # Errors
/// When the store fails.
pub fn newest(
    tx: &mut Tx<'_>,
    account: AccountId,
    number: OrderNumber,
) -> Result<Option<OrderView>, StoreError> {
    let of_chain = match orders::newest(tx, number)? {
        Some(order) => Some(order),
        None => match orders::by_number(tx, number)? {
            Some(replacement) => orders::newest(tx, replacement.base)?,
            None => None,
        },
    };
    Ok(of_chain.filter(|order| order.account == account))
}
