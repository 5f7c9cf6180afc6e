//! The fake outside world of `chancery sandbox`: a DNS server, a web server, a mailbox behind an
//! SMTP sink, and the control API that fills them, turns the clock and passes on what only the
//! real server can do (through [`House`]).
//!
//! What it never does: listen anywhere but on loopback, ask a name server or open a connection of
//! its own, keep the time (the server does), or know an order, a key or a certificate of the
//! server. It depends on no other crate of the workspace.
//!
//! The way in is [`Sockets::bind`], [`Outside::start`] and, once the server runs,
//! [`Outside::open_control`].

mod clock;
mod control;
mod dns;
mod history;
mod house;
mod mail;
mod outside;
mod smtp;
mod sockets;
mod task;
mod web;
mod world;

pub use dns::{Caa, Dns, NameError};
pub use history::{History, Kind};
pub use house::{Boxed, House};
pub use mail::{Attachment, Mail, Mailbox, Refusal};
pub use outside::{Outside, StartError};
pub use sockets::{Addresses, FAKE_ADDRESS, Sockets};
pub use web::{File, Files, Full, Schemes};
pub use world::{Now, Options, World};
