//! The fake world from outside: real packets, real conversations, real fetches.

mod control;
mod dns;
mod kit;
mod mail;
mod web;
