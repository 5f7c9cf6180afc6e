//! Questions to the outside world: DNS records, CAA, files on web servers, contact addresses.
//!
//! What comes back is evidence, plain data of `domain`. This crate writes no state, knows no key and decides nothing;
//! business time is an argument of every call, and only time-outs and the short memory of CAA sets run on real time.
//!
//! Nothing here trusts an answer: names, bodies and redirects are somebody else's bytes. A web server is only reached at
//! addresses of the public Internet, those that the operator lists, and those that the sandbox maps.

mod asker;
mod caa;
mod contacts;
mod dns;
mod http;
mod reach;
mod settings;
mod tls;

pub use asker::{Asker, SetupError};
pub use contacts::Contacts;
pub use reach::Reach;
pub use settings::{Dnssec, HttpLimits, Settings, Transport};
