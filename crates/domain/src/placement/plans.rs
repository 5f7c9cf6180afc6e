//! How control of each chosen name is to be shown.

use super::NamePlan;
use crate::csr::CsrError;
use crate::dcv::DcvMethod;
use crate::names::CertName;
use crate::order_ssl::{ChosenNames, DcvChoice, DcvList, SslOrderRequest};
use crate::product::Choice;
use crate::refusal::Refusal;

/// How each chosen name is to be proven.
///
/// # Errors
/// -4 for lists that do not fit the names, and for methods that cannot prove a name.
pub fn plan(
    choice: &Choice,
    names: &ChosenNames,
    request: &SslOrderRequest,
) -> Result<Vec<NamePlan>, Refusal> {
    let mut plans = plan_ordered(choice, &names.ordered, &names.written, request)?;
    if let Some(twin) = &names.implicit {
        let first = &plans[0];
        plans.push(NamePlan {
            name: CertName::Dns(twin.clone()),
            implicit: true,
            method: first.method,
            address: first.address.clone(),
        });
    }
    Ok(plans)
}

/// The same for the names that were ordered, and in which order they were `written`.
pub(super) fn plan_ordered(
    choice: &Choice,
    ordered: &[CertName],
    written: &[usize],
    request: &SslOrderRequest,
) -> Result<Vec<NamePlan>, Refusal> {
    if choice.product.kind.is_list() {
        return plan_list(ordered, written, request);
    }
    let method = request.dcv.method.unwrap_or(DcvMethod::Email);
    let name = ordered.first().ok_or(CsrError::MissingField)?;
    if !choice.product.intranet && !method.fits(name) {
        let why = format!("{method} cannot prove {name}");
        return Err(Refusal::invalid_because("dcvMethod", why));
    }
    let address = request.dcv.address.clone().filter(|_| method == DcvMethod::Email);
    Ok(vec![NamePlan { name: name.clone(), implicit: false, method, address }])
}

fn plan_list(
    ordered: &[CertName],
    written: &[usize],
    request: &SslOrderRequest,
) -> Result<Vec<NamePlan>, Refusal> {
    let names = (ordered, written);
    let wishes = &request.dcv;
    let (list, parameter) = match (&wishes.addresses, &wishes.tokens) {
        (Some(a), Some(b)) => {
            let (a, b) =
                (spread(a, names, "dcvEmailAddresses")?, spread(b, names, "validationTokens")?);
            if a != b {
                return Err(Refusal::invalid("validationTokens"));
            }
            (a, "validationTokens")
        }
        (Some(a), None) => (spread(a, names, "dcvEmailAddresses")?, "dcvEmailAddresses"),
        (None, Some(b)) => (spread(b, names, "validationTokens")?, "validationTokens"),
        (None, None) => match wishes.method {
            Some(method) if method != DcvMethod::Email => {
                (vec![DcvChoice::Method(method); ordered.len()], "dcvMethod")
            }
            _ => return Ok(ordered.iter().map(undecided).collect()),
        },
    };
    let planned = |(name, choice): (&CertName, DcvChoice)| {
        let (method, address) = match choice {
            DcvChoice::Mail(address) => (DcvMethod::Email, Some(address)),
            DcvChoice::Method(method) => (method, None),
        };
        if !method.fits(name) {
            let why = format!("{method} cannot prove {name}");
            return Err(Refusal::invalid_because(parameter, why));
        }
        Ok(NamePlan { name: name.clone(), implicit: false, method, address })
    };
    ordered.iter().zip(list).map(planned).collect()
}

fn undecided(name: &CertName) -> NamePlan {
    NamePlan { name: name.clone(), implicit: false, method: DcvMethod::Email, address: None }
}

fn spread(
    list: &DcvList,
    (ordered, written): (&[CertName], &[usize]),
    parameter: &'static str,
) -> Result<Vec<DcvChoice>, Refusal> {
    match list {
        DcvList::All(method) => Ok(vec![DcvChoice::Method(*method); ordered.len()]),
        DcvList::Each(each) if each.len() == written.len() => {
            collect(each, (ordered, written), parameter)
        }
        DcvList::Each(each) if each.len() == ordered.len() => Ok(each.clone()),
        DcvList::Each(each) => {
            let why = format!("{} entries for {} names", each.len(), ordered.len());
            Err(Refusal::invalid_because(parameter, why))
        }
    }
}

/// One entry per name out of one per name as written: a name that is repeated must be given the same choice.
fn collect(
    each: &[DcvChoice],
    (ordered, written): (&[CertName], &[usize]),
    parameter: &'static str,
) -> Result<Vec<DcvChoice>, Refusal> {
    let mut chosen: Vec<Option<&DcvChoice>> = vec![None; ordered.len()];
    for (place, choice) in written.iter().zip(each) {
        if chosen[*place].replace(choice).is_some_and(|before| before != choice) {
            let why = format!("{} is given different choices", ordered[*place]);
            return Err(Refusal::invalid_because(parameter, why));
        }
    }
    Ok(chosen.into_iter().flatten().cloned().collect())
}
