//! Every SQL text of Chancery, on SQLite and on PostgreSQL: transactions, migrations, job queue.
//!
//! It never knows HTTP and never builds X.509; it reads no clock (times are arguments) and takes
//! no decision of the business.
//!
//! Reading order: [`Store`] runs closures in transactions; a closure gets a [`Tx`] and runs named
//! [`Sql`] constants with [`params!`], reading [`Row`]s. [`jobs`] is written on top of these, as
//! is every other module of queries. [`migrations`] is the schema.
//!
//! Rules for queries: one named constant each, listed in its module's `ALL` and that in
//! [`every_query`], so that a test prepares each of them on both databases. Only numbers, texts,
//! bytes and NULL. Rows that a decision hangs on are locked by writing them first
//! (`UPDATE .. RETURNING`) or, on PostgreSQL, by `FOR UPDATE`. Where the answer is not needed at
//! once, [`Tx::execute_one`] or [`Tx::execute_later`]: on PostgreSQL they cost no round trip.

pub mod accounts;
pub mod cas;
pub mod certificates;
pub mod collection;
pub mod crls;
mod db;
mod error;
pub mod events;
pub mod evidence;
pub mod jobs;
pub mod mails;
pub mod migrations;
pub mod names;
pub mod orders;
pub mod reset;
pub mod settings;
pub mod stubs;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;

pub use db::postgres::PgOptions;
pub use db::sqlite::SqliteOptions;
pub use db::{Database, JobWaker, Row, Sql, Store, Tx, Value};
pub use error::{ConstraintKind, StoreError};

/// Every query of this crate.
pub fn every_query() -> impl Iterator<Item = &'static Sql> {
    [
        migrations::QUERIES,
        jobs::ALL,
        accounts::ALL,
        cas::ALL,
        certificates::ALL,
        crls::ALL,
        events::ALL,
        collection::ALL,
        evidence::ALL,
        mails::ALL,
        names::ALL,
        orders::ALL,
        orders::views::ALL,
        stubs::ALL,
        tokens::ALL,
        reset::ALL,
        settings::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}
