//! The operator's commands, one file each. They parse words into wishes of `server::operator` and print what comes back.

pub mod account;
pub mod audit;
pub mod ceremony;
pub mod certificate;
pub mod config;
pub mod job;
pub mod order;
pub mod product;
pub mod serve;
pub mod template;
