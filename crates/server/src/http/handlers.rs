//! One handler per endpoint: from an authenticated call to an answer.

use std::net::IpAddr;
use std::sync::Arc;

use domain::placement;
use domain::refusal::Refusal;
use wire::auto_apply_ssl::Placed;
use wire::auto_replace_ssl::Replaced;
use wire::envelope::{Authed, Incoming};
use wire::reply::Reply;
use wire::table::Format;
use wire::{
    auto_apply_ssl, auto_replace_ssl, auto_update_dcv, collect_ssl, decode_csr,
    get_dcv_email_address_list, get_mdc_domain_details, resend_dcv_email,
};

use crate::app::login::{Caller, log_in};
use crate::app::{collect, csrs, dcv, orders, replace};
use crate::house::House;

/// Which handler a route has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    /// Asks for no login.
    Anonymous(Anonymous),
    /// Asks for one.
    Known(Known),
}

/// Handlers without login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anonymous {
    /// !DecodeCSR.
    DecodeCsr,
}

/// Handlers with login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// !AutoApplySSL.
    AutoApplySsl,
    /// !AutoReplaceSSL.
    AutoReplaceSsl,
    /// download/CollectSSL.
    CollectSsl,
    /// !GetDCVEmailAddressList.
    GetDcvEmailAddressList,
    /// !AutoUpdateDCV.
    AutoUpdateDcv,
    /// !ResendDCVEmail.
    ResendDcvEmail,
    /// !GetMDCDomainDetails.
    GetMdcDomainDetails,
}

/// !AutoApplySSL.
pub const AUTO_APPLY_SSL: Handler = Handler::Known(Known::AutoApplySsl);
/// !AutoReplaceSSL.
pub const AUTO_REPLACE_SSL: Handler = Handler::Known(Known::AutoReplaceSsl);
/// download/CollectSSL.
pub const COLLECT_SSL: Handler = Handler::Known(Known::CollectSsl);
/// !GetDCVEmailAddressList.
pub const GET_DCV_EMAIL_ADDRESS_LIST: Handler = Handler::Known(Known::GetDcvEmailAddressList);
/// !AutoUpdateDCV.
pub const AUTO_UPDATE_DCV: Handler = Handler::Known(Known::AutoUpdateDcv);
/// !ResendDCVEmail.
pub const RESEND_DCV_EMAIL: Handler = Handler::Known(Known::ResendDcvEmail);
/// !GetMDCDomainDetails.
pub const GET_MDC_DOMAIN_DETAILS: Handler = Handler::Known(Known::GetMdcDomainDetails);
/// !DecodeCSR.
pub const DECODE_CSR: Handler = Handler::Anonymous(Anonymous::DecodeCsr);

/// Lets the caller in, if the endpoint asks for it, and runs its handler.
///
/// # Errors
/// The refusal that the caller is told.
pub async fn run(
    house: &Arc<House>,
    from: IpAddr,
    incoming: Incoming,
    format: Format,
    handler: Handler,
) -> Result<Reply, Refusal> {
    match handler {
        Handler::Anonymous(Anonymous::DecodeCsr) => {
            let request = decode_csr::parse(&incoming.anonymous()?)?;
            let decoded = csrs::decode(house, &request)
                .await
                .map_err(|failure| failure.told("decode_csr"))?;
            Ok(decode_csr::reply(&request, &decoded))
        }
        Handler::Known(known) => {
            let credentials = incoming.credentials()?;
            let _inside = house.door.read().await;
            let caller =
                log_in(house, &credentials.login_name, credentials.password.expose(), from)
                    .await
                    .map_err(|failure| failure.told("login"))?;
            if caller.account().role != domain::account::Role::Reseller {
                return Err(Refusal::Login);
            }
            let call = incoming.authenticated(&caller);
            serve(house, &caller, &call, format, known).await
        }
    }
}

async fn serve(
    house: &Arc<House>,
    caller: &Caller,
    call: &Authed,
    format: Format,
    known: Known,
) -> Result<Reply, Refusal> {
    match known {
        Known::AutoApplySsl => apply(house, caller, call, format).await,
        Known::AutoReplaceSsl => replace_ssl(house, caller, call, format).await,
        Known::CollectSsl => {
            let request = collect_ssl::parse(call)?;
            let collected = collect::collect(house, caller, &request).await;
            let collected = collected.map_err(|f| f.told("collect"))?;
            Ok(collect_ssl::reply(&request, &collected))
        }
        Known::GetDcvEmailAddressList => {
            let request = get_dcv_email_address_list::parse(call)?;
            let list = dcv::address_list(house, caller, request.name.clone()).await;
            let list = list.map_err(|f| f.told("address list"))?;
            Ok(get_dcv_email_address_list::reply(request.format, &list))
        }
        Known::AutoUpdateDcv => {
            let request = auto_update_dcv::parse(call)?;
            dcv::update(house, caller, request).await.map_err(|f| f.told("update dcv"))?;
            Ok(auto_update_dcv::reply())
        }
        Known::ResendDcvEmail => {
            let request = resend_dcv_email::parse(call)?;
            dcv::resend(house, caller, request).await.map_err(|f| f.told("resend dcv mail"))?;
            Ok(resend_dcv_email::reply())
        }
        Known::GetMdcDomainDetails => {
            let request = get_mdc_domain_details::parse(call)?;
            let found = collect::domain_details(house, caller, request.order_number).await;
            let (domains, steps) = found.map_err(|f| f.told("domain details"))?;
            Ok(get_mdc_domain_details::reply(&request, &domains, Some(steps)))
        }
    }
}

async fn apply(
    house: &Arc<House>,
    caller: &Caller,
    call: &Authed,
    format: Format,
) -> Result<Reply, Refusal> {
    placement::permit(auto_apply_ssl::claims(call), caller.account())?;
    let bonus = caller.account().privileges.bonus_days;
    let request = auto_apply_ssl::parse(call, &house.catalogue, bonus)?;
    let wishes = request.reply;
    let placed = orders::place(house, caller, request).await.map_err(|f| f.told("place order"))?;
    let placement = &placed.placement;
    Ok(auto_apply_ssl::reply(
        format,
        &Placed {
            payment_due: placement.status == 1,
            order_number: placed.order,
            total_cost: placement.cost,
            expected_delivery_time: u16::try_from(placement.expected_hours).unwrap_or(u16::MAX),
            certificate_id: wishes.certificate_id.then_some(placed.certificate),
            certificate_status: wishes.certificate_state.then(|| placement.certificate_status()),
            unique_value: placement.unique_value.clone(),
        },
    ))
}

async fn replace_ssl(
    house: &Arc<House>,
    caller: &Caller,
    call: &Authed,
    format: Format,
) -> Result<Reply, Refusal> {
    let request = auto_replace_ssl::parse(call)?;
    let wishes = request.reply;
    let replaced =
        replace::replace(house, caller, request).await.map_err(|f| f.told("replace order"))?;
    Ok(auto_replace_ssl::reply(
        format,
        &Replaced {
            order_number: replaced.order,
            expected_delivery_time: u16::try_from(replaced.expected_hours).unwrap_or(u16::MAX),
            certificate_id: wishes.certificate_id.then_some(replaced.certificate),
            certificate_status: wishes.certificate_state.then_some(replaced.status),
            unique_value: replaced.unique_value,
        },
    ))
}
