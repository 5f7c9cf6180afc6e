//! The partner ordering interface's bytes: parameter tables, typed requests, answers and codes.
//!
//! This crate is pure: it has no I/O, no `async`, no clock and no random source, and knows neither SQL nor X.509. It reads
//! what callers send and writes what they get; whether an order can be taken is `domain`'s to say, and doing it the
//! server's.
//!
//! A call goes through steps that cannot be skipped: [`envelope::Envelope::read`] never fails and tells the format of
//! the answer; [`envelope::Envelope::incoming`] checks transport and names; [`envelope::Incoming::authenticated`] wants
//! the server's proof of a login; only then an endpoint's `parse` judges parameters. One file per endpoint holds its
//! table, its codes, its request and its answer.
//!
//! Lines of answers end in LF, the last one too.
//!
//! ```
//! use domain::refusal::Refusal;
//! use wire::envelope::{Authentication, Credentials, Envelope, Method, Transport};
//! use wire::{auto_update_dcv, reply::Reply};
//!
//! struct Account;
//! impl Authentication for Account {}
//!
//! fn answer(query: &str, body: &[u8], login: fn(Credentials) -> Result<Account, Refusal>) -> Reply {
//!     let endpoint = &auto_update_dcv::ENDPOINT;
//!     let call = Envelope::read(endpoint, query.as_bytes(), None, body);
//!     let format = call.format();
//!     let done = || {
//!         let call = call.incoming(Transport { https: true, method: Method::Post })?;
//!         let account = login(call.credentials()?)?;
//!         let _change = auto_update_dcv::parse(&call.authenticated(&account))?;
//!         Ok(auto_update_dcv::reply())
//!     };
//!     done().unwrap_or_else(|refusal: Refusal| Reply::refusal(endpoint, format, &refusal))
//! }
//!
//! let reply = answer("loginName=a&loginPassword=b", b"newMethod=EMAIL", |_| Err(Refusal::Login));
//! assert!(reply.body.starts_with(b"errorCode=-16&"));
//! ```

pub mod auto_apply_order;
pub mod auto_apply_ssl;
pub mod auto_replace_smime;
pub mod auto_replace_ssl;
pub mod auto_update_dcv;
pub mod codes;
pub mod collect_smime;
pub mod collect_ssl;
pub mod decode_csr;
pub mod envelope;
pub mod form;
pub mod get_dcv_email_address_list;
pub mod get_mdc_domain_details;
pub mod reply;
pub mod request_and_collect_smime;
pub mod resend_dcv_email;
pub mod resend_smime;
pub mod scope;
pub mod table;

mod collected;
mod fields;
mod order_parts;

/// Every endpoint.
pub static ENDPOINTS: [&table::Endpoint; 14] = [
    &auto_apply_order::ENDPOINT,
    &auto_apply_ssl::ENDPOINT,
    &auto_replace_smime::ENDPOINT,
    &auto_replace_ssl::ENDPOINT,
    &request_and_collect_smime::ENDPOINT,
    &collect_smime::ENDPOINT,
    &resend_smime::VERIFICATION,
    &resend_smime::COLLECTION,
    &collect_ssl::ENDPOINT,
    &get_dcv_email_address_list::ENDPOINT,
    &auto_update_dcv::ENDPOINT,
    &resend_dcv_email::ENDPOINT,
    &get_mdc_domain_details::ENDPOINT,
    &decode_csr::ENDPOINT,
];

/// The endpoint at a path, if there is one.
#[must_use]
pub fn endpoint_at(path: &str) -> Option<&'static table::Endpoint> {
    ENDPOINTS.into_iter().find(|endpoint| endpoint.is_at(path))
}
