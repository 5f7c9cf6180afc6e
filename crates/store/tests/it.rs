//! The store on both databases: each test function runs on SQLite and on PostgreSQL.

#[path = "it/connections.rs"]
mod connections;
#[path = "it/events.rs"]
mod events;
#[path = "it/files.rs"]
mod files;
#[path = "it/jobs.rs"]
mod jobs;
#[path = "it/migrations.rs"]
mod migrations;
#[path = "it/plans.rs"]
mod plans;
#[path = "it/reset.rs"]
mod reset;
#[path = "it/transactions.rs"]
mod transactions;

/// A test per database for each named function.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(store::testing::TestDb::new(store::Database::Sqlite)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(store::testing::TestDb::new(store::Database::Postgres)).await;
            })*
        }
    };
}
pub(crate) use on_both;
