//! Certificates: reading requests, preparing, linting and signing leaves and CRLs, CA keys, collection formats.
//!
//! The way of a certificate is a row of types, each made only by the step before it:
//! [`leaf::prepare`] gives a [`leaf::Prepared`], [`lint::lint`] turns it into [`lint::Linted`], and [`sign::sign`] wants
//! that together with a `Proven` (what may be named) and a `Receipt` (what was written down).
//!
//! This crate never touches the network or a database, reads no clock, and signs no leaf without proof and receipt.
//! Disk is touched in [`folder`] alone.

pub mod ca;
pub mod collect;
pub mod crl;
pub mod csr;
pub mod folder;
pub mod keys;
pub mod leaf;
pub mod lint;
pub mod name;
pub mod oid;
pub mod profile;
pub mod sign;
pub mod signer;
pub mod spki;
mod tbs;
pub mod weak_keys;
