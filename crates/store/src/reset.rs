//! Emptying a database: the sandbox as new. The schema stays.

use crate::{Database, Sql, StoreError, Tx};

/// Empties every table of the house and starts the numbers anew.
pub fn everything(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    for table in TABLES {
        tx.execute(table, &[])?;
    }
    if tx.database() == Database::Postgres {
        for restart in [&RESTART_ORDERS, &RESTART_CERTIFICATES, &RESTART_IDENTITIES] {
            tx.query(restart, &[], |_| Ok(()))?;
        }
    } else {
        tx.execute(&RESTART_NUMBERS, &[])?;
        tx.execute(&RESTART_ROWS, &[])?;
    }
    Ok(())
}

/// The queries of this file that either database prepares.
pub const ALL: &[&Sql] = TABLES;

/// In an order that keeps foreign keys satisfied.
const TABLES: &[&Sql] = &[
    &Sql::both("DELETE FROM jobs"),
    &Sql::both("DELETE FROM seals"),
    &Sql::both("DELETE FROM events"),
    &Sql::both("DELETE FROM mail_messages"),
    &Sql::both("DELETE FROM mails"),
    &Sql::both("DELETE FROM dcv_offers"),
    &Sql::both("DELETE FROM mail_templates"),
    &Sql::both("DELETE FROM stub_orders"),
    &Sql::both("DELETE FROM crls"),
    &Sql::both("DELETE FROM certificates"),
    &Sql::both("DELETE FROM unsigned_serials"),
    &Sql::both("DELETE FROM compromised_keys"),
    &Sql::both("DELETE FROM evidence"),
    &Sql::both("DELETE FROM request_tokens"),
    &Sql::both("DELETE FROM collection_codes"),
    &Sql::both("DELETE FROM request_names"),
    &Sql::both("DELETE FROM certificate_requests"),
    &Sql::both("DELETE FROM orders"),
    &Sql::both("DELETE FROM ledger"),
    &Sql::both("DELETE FROM accounts"),
    &Sql::both("DELETE FROM settings"),
];

const RESTART_NUMBERS: Sql =
    Sql::both("UPDATE numbers SET order_number = 9999999, certificate_id = 19999999");

const RESTART_ORDERS: Sql = Sql::both("SELECT setval('order_numbers', 10000000, false)");

const RESTART_CERTIFICATES: Sql = Sql::both("SELECT setval('certificate_ids', 20000000, false)");

/// The numbers of every table that counts its own rows.
const RESTART_ROWS: Sql = Sql::both("DELETE FROM sqlite_sequence");

const RESTART_IDENTITIES: Sql = Sql::both(
    "SELECT setval(CAST(pg_get_serial_sequence(quote_ident(table_name), column_name) AS regclass), 1, false)
     FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'",
);
