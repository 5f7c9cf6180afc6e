//! The asker against fake name servers and web servers on loopback.

mod caa;
mod contacts;
mod dns;
mod fake_dns;
mod fake_web;
mod files;
mod world;
