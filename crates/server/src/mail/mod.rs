//! Mail: texts become messages in [`compose`], messages become deliveries in [`send`].
//!
//! Composing is pure: the moment is an argument, and what has to be unique in a message (its ID, its boundaries) is a
//! digest of its content. So the same mail composed twice is the same bytes, and a use case can compose inside the
//! transaction that writes the mail down. Nothing here reads a clock, a random source or a file.
//!
//! Texts are layouts under `layouts/` with sentences of fourteen languages in them ([`texts`]); an account's own template
//! takes their place, in a much smaller language ([`custom`]).

pub mod compose;
mod custom;
mod layouts;
pub mod send;
mod text;
mod texts;

pub use custom::{BadTemplate, Kind, check as check_template};
