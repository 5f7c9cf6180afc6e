//! The nouns of the house and their rules: names, money, products, accounts, orders, evidence, decisions.
//!
//! This crate decides and never does: it has no I/O, no `async`, reads no clock and no random source (both are
//! arguments), and knows neither SQL nor HTTP nor the encodings of X.509.

pub mod account;
pub mod attestation;
pub mod caa;
pub mod certificate;
pub mod check;
pub mod country;
pub mod csr;
pub mod dcv;
pub mod evidence;
pub mod identifiers;
pub mod ip_range;
pub mod mail_address;
pub mod money;
pub mod names;
pub mod order;
pub mod order_smime;
pub mod order_ssl;
pub mod placement;
pub mod policy;
pub mod product;
pub mod proof;
pub mod receipt;
pub mod refusal;
pub mod subject;
pub mod time;
