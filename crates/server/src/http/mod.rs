//! The partner interface over HTTP: listeners, the table of routes, one handler per endpoint.
//!
//! Transport rules (-1, -17, merged and case-folded parameters) live in [`routes`] and `wire` once, for every endpoint.
//! Every answer of the interface has the HTTP status 200, whatever it says (D23).

pub mod bodies;
pub mod body;
pub mod calls;
pub mod handlers;
pub mod limits;
pub mod listen;
pub mod own_tls;
pub mod pki;
pub mod pulse;
pub mod routes;
pub mod stream;
