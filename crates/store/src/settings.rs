//! Small things that have to outlive the process, by name.

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// The value of a name.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>> {
    tx.query_opt(&GET, params![name], |row| row.text(0))
}

/// Sets the value of a name.
pub fn set(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    tx.execute_one(&SET, params![name, value])
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&GET, &SET];

const GET: Sql = Sql::both("SELECT value FROM settings WHERE name = $1");

const SET: Sql = Sql::both(
    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
