//! One handler per endpoint: from an authenticated call to an answer.

use std::net::IpAddr;
use std::sync::Arc;

use domain::account::Role;
use domain::order_ssl::{OrderReplyWishes, SslOrderRequest};
use domain::placement;
use domain::refusal::Refusal;
use wire::auto_apply_order::Order;
use wire::auto_apply_ssl::Placed;
use wire::auto_replace_ssl::Replaced;
use wire::envelope::{Authed, Credentials, Incoming};
use wire::reply::Reply;
use wire::table::Format;
use wire::{
    auto_apply_order, auto_apply_ssl, auto_replace_smime, auto_replace_ssl, auto_update_dcv,
    collect_smime, collect_ssl, decode_csr, get_dcv_email_address_list, get_mdc_domain_details,
    request_and_collect_smime, resend_dcv_email, resend_smime,
};

use crate::app::login::{Caller, log_in};
use crate::app::smime::Who;
use crate::app::{
    Failure, collect, csrs, dcv, orders, orders_smime, placing, replace, replace_smime, smime,
};
use crate::house::House;

/// Which handler a route has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    /// Asks for no login.
    Anonymous(Anonymous),
    /// Asks for one, or for a collection code in its place.
    Collecting,
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
    /// !AutoApplyOrder.
    AutoApplyOrder,
    /// !AutoReplaceSSL.
    AutoReplaceSsl,
    /// !AutoReplaceSMIME.
    AutoReplaceSmime,
    /// download/CollectSMIME.
    CollectSmime,
    /// !ResendVerificationEmailSMIME.
    ResendVerification,
    /// !ResendCollectionEmailSMIME.
    ResendCollection,
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
/// !AutoApplyOrder.
pub const AUTO_APPLY_ORDER: Handler = Handler::Known(Known::AutoApplyOrder);
/// !AutoReplaceSMIME.
pub const AUTO_REPLACE_SMIME: Handler = Handler::Known(Known::AutoReplaceSmime);
/// download/RequestAndCollectSMIME.
pub const REQUEST_AND_COLLECT_SMIME: Handler = Handler::Collecting;
/// download/CollectSMIME.
pub const COLLECT_SMIME: Handler = Handler::Known(Known::CollectSmime);
/// !ResendVerificationEmailSMIME.
pub const RESEND_VERIFICATION_SMIME: Handler = Handler::Known(Known::ResendVerification);
/// !ResendCollectionEmailSMIME.
pub const RESEND_COLLECTION_SMIME: Handler = Handler::Known(Known::ResendCollection);
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
        Handler::Collecting => collect_by_code(house, from, incoming).await,
        Handler::Known(known) => {
            let credentials = incoming.credentials()?;
            let _inside = house.door.read().await;
            let caller = known_caller(house, &credentials, from).await?;
            let call = incoming.authenticated(&caller);
            serve(house, &caller, &call, format, known).await
        }
    }
}

async fn known_caller(
    house: &Arc<House>,
    credentials: &Credentials,
    from: IpAddr,
) -> Result<Caller, Refusal> {
    let caller = log_in(house, &credentials.login_name, credentials.password.expose(), from)
        .await
        .map_err(|failure| failure.told("login"))?;
    match caller.account().role {
        Role::Reseller => Ok(caller),
        Role::Officer | Role::Operator | Role::Auditor => Err(Refusal::Login),
    }
}

/// RequestAndCollectSMIME: from an account, or from whoever has the order's code and shows no login.
async fn collect_by_code(
    house: &Arc<House>,
    from: IpAddr,
    incoming: Incoming,
) -> Result<Reply, Refusal> {
    let told = |failure: Failure| failure.told("request and collect");
    let (who, call) = match incoming.collection_code().map(str::to_owned) {
        Some(code) => {
            let holder = smime::let_in(house, &code, from).await.map_err(told)?;
            let call = incoming.authenticated(&holder);
            (Who::Holder(holder), call)
        }
        None => {
            let credentials = incoming.credentials()?;
            let caller = known_caller(house, &credentials, from).await?;
            let call = incoming.authenticated(&caller);
            (Who::Account(caller), call)
        }
    };
    let _inside = house.door.read().await;
    let request = request_and_collect_smime::parse(&call)?;
    let wishes = request.collect.clone();
    let collected = smime::request_and_collect(house, who, request).await.map_err(told)?;
    Ok(collect_smime::reply(&wishes, &collected))
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
        Known::AutoApplyOrder => apply_order(house, caller, call, format).await,
        Known::AutoReplaceSsl => replace_ssl(house, caller, call, format).await,
        Known::AutoReplaceSmime => {
            placement::permit(auto_replace_smime::claims(call), caller.account())?;
            let request = auto_replace_smime::parse(call)?;
            let made = replace_smime::replace(house, caller, request).await;
            Ok(auto_replace_smime::reply(format, made.map_err(|f| f.told("replace smime"))?))
        }
        Known::CollectSmime => {
            let (order, request) = collect_smime::parse(call)?;
            let collected = smime::collect(house, caller, order, &request).await;
            let collected = collected.map_err(|f| f.told("collect smime"))?;
            Ok(collect_smime::reply(&request, &collected))
        }
        Known::ResendVerification => {
            let (order, mailboxes) = resend_smime::parse_verification(call)?;
            let sent = smime::resend_verification(house, caller, order, mailboxes).await;
            sent.map_err(|f| f.told("resend verification"))?;
            Ok(resend_smime::reply())
        }
        Known::ResendCollection => {
            let order = resend_smime::parse_collection(call)?;
            let sent = smime::resend_collection(house, caller, order).await;
            sent.map_err(|f| f.told("resend collection"))?;
            Ok(resend_smime::reply())
        }
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
    apply_ssl(house, caller, call, format, request).await
}

async fn apply_ssl(
    house: &Arc<House>,
    caller: &Caller,
    call: &Authed,
    format: Format,
    request: SslOrderRequest,
) -> Result<Reply, Refusal> {
    let wishes = request.reply;
    let placed = orders::place(house, caller, call.endpoint(), request).await;
    let placed = placed.map_err(|f| f.told("place order"))?;
    Ok(auto_apply_ssl::reply(format, &told(&placed, wishes, None)))
}

async fn apply_order(
    house: &Arc<House>,
    caller: &Caller,
    call: &Authed,
    format: Format,
) -> Result<Reply, Refusal> {
    let may = caller.account().privileges;
    if may.ssl_only {
        return Err(Refusal::ApiNotEnabled);
    }
    placement::permit(auto_apply_order::claims(call), caller.account())?;
    let request = match auto_apply_order::parse(call, &house.catalogue, may.bonus_days)? {
        Order::Ssl(request) => return apply_ssl(house, caller, call, format, *request).await,
        Order::Smime(request) => *request,
    };
    let (wishes, shows_code) = (request.reply, request.show_collection_code);
    let placed = orders_smime::place(house, caller, request).await;
    let placed = placed.map_err(|f| f.told("place smime order"))?;
    let code = shows_code.then_some(placed.collection_code);
    Ok(auto_apply_order::reply(format, &told(&placed.placed, wishes, code)))
}

fn told(
    placed: &placing::Placed,
    wishes: OrderReplyWishes,
    collection_code: Option<String>,
) -> Placed {
    let placement = &placed.placement;
    Placed {
        payment_due: placement.status == 1,
        order_number: placed.order,
        total_cost: placement.cost,
        expected_delivery_time: u16::try_from(placement.expected_hours).unwrap_or(u16::MAX),
        certificate_id: wishes.certificate_id.then_some(placed.certificate),
        certificate_status: wishes.certificate_state.then(|| placement.certificate_status()),
        unique_value: placement.unique_value.clone(),
        collection_code,
    }
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
