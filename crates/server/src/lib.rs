//! The house at work: use cases (`app`), the partner interface (`http`), pages (`web`), mail, background jobs.
//!
//! It holds no SQL, parses no field and builds no DER: those are the rooms `store`, `wire` and `issuance`. Decisions are
//! asked of `domain`; here they are carried out, one named transaction per answer.
//!
//! Reading order: [`house::House`] is what everything shares; `app` has one file per noun; `http::routes` is the table of
//! endpoints; `jobs` walks a request from its proof to its certificate.

pub mod app;
pub mod arrivals;
pub mod clock;
pub mod config;
pub mod demo;
pub mod faults;
pub mod house;
pub mod http;
pub mod jobs;
mod known_cas;
pub mod letters;
pub mod long_work;
pub mod mail;
pub mod open;
pub mod operator;
pub mod start;
pub mod texts;
pub mod together;
pub mod web;
