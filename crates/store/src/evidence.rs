//! Evidence, kept whole: what was asked of the outside world, through whom, what came back, when.

use domain::certificate::CertificateId;
use domain::time::Time;

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A line of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceLine {
    /// For which name.
    pub name: String,
    /// By which method; `CAA` for authorization look-ups.
    pub method: String,
    /// shown, not_shown or failed; permits, forbids or failed for CAA.
    pub outcome: String,
    /// The question in words.
    pub question: String,
    /// The answer (JSON).
    pub answer: String,
    /// Through whom.
    pub via: String,
    /// When.
    pub at: Time,
}

/// Writes a line.
pub fn insert(tx: &mut Tx<'_>, id: CertificateId, e: &EvidenceLine) -> Result<()> {
    let values =
        params![id.0, &e.name, &e.method, &e.outcome, &e.question, &e.answer, &e.via, e.at.ms(),];
    tx.execute_one(&INSERT, values)
}

/// A request's evidence, oldest first.
pub fn of_request(tx: &mut Tx<'_>, id: CertificateId) -> Result<Vec<EvidenceLine>> {
    tx.query(&OF_REQUEST, params![id.0], read)
}

fn read(row: &Row<'_>) -> Result<EvidenceLine> {
    Ok(EvidenceLine {
        name: row.text(0)?,
        method: row.text(1)?,
        outcome: row.text(2)?,
        question: row.text(3)?,
        answer: row.text(4)?,
        via: row.text(5)?,
        at: Time::from_ms(row.int(6)?),
    })
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[&INSERT, &OF_REQUEST];

const INSERT: Sql = Sql::both(
    "INSERT INTO evidence (certificate_id, name, method, outcome, question, answer, via, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

const OF_REQUEST: Sql = Sql::both(
    "SELECT name, method, outcome, question, answer, via, at FROM evidence WHERE certificate_id = $1 ORDER BY id",
);
