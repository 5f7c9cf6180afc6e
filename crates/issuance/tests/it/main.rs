//! A whole hierarchy in a temporary folder, judged by the `openssl` command; golden bytes; odd and hostile requests.

mod asn1;
mod chains;
mod cmmf;
mod golden;
mod hostile;
mod mail;
mod mail_rules;
mod requests;
mod spkac;
mod support;
