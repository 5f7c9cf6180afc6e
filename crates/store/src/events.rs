//! The audit trail: an event per change, appended, later sealed into a chain of hashes per account.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::certificate::{AccountId, OrderNumber};
use domain::time::Time;
use sha2::{Digest, Sha256};

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// An event about to be written.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Whose account.
    pub account: AccountId,
    /// Which order.
    pub order: Option<OrderNumber>,
    /// What happened, a word.
    pub kind: &'a str,
    /// Who did it.
    pub actor: &'a str,
    /// More (JSON).
    pub detail: &'a str,
    /// When.
    pub at: Time,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// Whose account.
    pub account: AccountId,
    /// Which order.
    pub order: Option<OrderNumber>,
    /// What happened.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// More (JSON).
    pub detail: String,
    /// When.
    pub at: Time,
}

/// Appends an event.
pub fn append(tx: &mut Tx<'_>, e: &NewEvent<'_>) -> Result<()> {
    let order = e.order.map(|o| o.0);
    let values = params![e.account.0, order, e.kind, e.actor, e.detail, e.at.ms()];
    tx.execute_one(&APPEND, values)
}

/// An order's events, oldest first.
pub fn of_order(tx: &mut Tx<'_>, order: OrderNumber) -> Result<Vec<Event>> {
    tx.query(&OF_ORDER, params![order.0], read)
}

/// The newest events before number `before`, newest first; of one account or of all.
pub fn newest(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    before: i64,
    limit: u32,
) -> Result<Vec<Event>> {
    match account {
        Some(account) => tx.query(&NEWEST_OF_ACCOUNT, params![account.0, before, limit], read),
        None => tx.query(&NEWEST, params![before, limit], read),
    }
}

/// How many events an account has, and how many of them are sealed.
pub fn count(tx: &mut Tx<'_>, account: AccountId) -> Result<(i64, i64)> {
    tx.query_one(&COUNT, params![account.0], |row| Ok((row.int(0)?, row.int(1)?)))
}

/// Seals events that are not sealed yet, at most so many, and says how many there were. The caller sees to it that only
/// one sealer works at a time; a second one is refused by the seals' key.
///
/// PostgreSQL gives numbers before commits, so an event may appear after one with a higher number was sealed. It belongs to
/// the round that finds it, whatever its number: each event names its round, and no event is ever too late.
pub fn seal(tx: &mut Tx<'_>, limit: u32) -> Result<usize> {
    let round = tx.query_one(&NEXT_ROUND, &[], |row| row.int(0))?;
    let mut events = tx.query(&TAKE, params![round, limit], read)?;
    events.sort_by_key(|event| event.id);
    let mut chains: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for event in &events {
        let account = event.account.0;
        let hash = match chains.entry(account) {
            Entry::Occupied(chain) => chain.into_mut(),
            Entry::Vacant(place) => {
                let hash = tx.query_opt(&LAST_SEAL, params![account], |row| row.bytes(0))?;
                place.insert(hash.unwrap_or_default())
            }
        };
        *hash = chain_hash(hash, event);
    }
    for (account, hash) in &chains {
        tx.execute_one(&SEAL, params![*account, round, hash])?;
    }
    Ok(events.len())
}

/// Walks an account's chain and says the number of the first event of the first round whose seal is wrong (the round's own
/// number if it has no event left); None when all is well. Events that are not sealed yet are not looked at.
pub fn first_broken_seal(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<i64>> {
    let seals = tx.query(&SEALS, params![account.0], |row| Ok((row.int(0)?, row.bytes(1)?)))?;
    let mut previous = Vec::new();
    for (round, hash) in seals {
        let events = tx.query(&OF_ROUND, params![account.0, round], read)?;
        let chained = events.iter().fold(previous, |hash, event| chain_hash(&hash, event));
        if chained != hash {
            return Ok(Some(events.first().map_or(round, |event| event.id)));
        }
        previous = hash;
    }
    tx.query_opt(&WITHOUT_SEAL, params![account.0], |row| row.int(0))
}

fn chain_hash(previous: &[u8], e: &Event) -> Vec<u8> {
    let order = e.order.map_or(0, |o| o.0);
    let mut hash = Sha256::new();
    hash.update(previous);
    for number in [e.id, e.account.0, order, e.at.ms()] {
        hash.update(number.to_be_bytes());
    }
    for text in [&e.kind, &e.actor, &e.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().to_vec()
}

fn read(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: row.int(0)?,
        account: AccountId(row.int(1)?),
        order: row.opt_int(2)?.map(OrderNumber),
        kind: row.text(3)?,
        actor: row.text(4)?,
        detail: row.text(5)?,
        at: Time::from_ms(row.int(6)?),
    })
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &APPEND,
    &OF_ORDER,
    &NEWEST,
    &NEWEST_OF_ACCOUNT,
    &COUNT,
    &NEXT_ROUND,
    &TAKE,
    &LAST_SEAL,
    &SEAL,
    &SEALS,
    &OF_ROUND,
    &WITHOUT_SEAL,
];

const APPEND: Sql = Sql::both(
    "INSERT INTO events (account_id, order_number, kind, actor, detail, at) VALUES ($1, $2, $3, $4, $5, $6)",
);

const OF_ORDER: Sql = Sql::both(
    "SELECT id, account_id, order_number, kind, actor, detail, at FROM events WHERE order_number = $1 ORDER BY id",
);

const NEWEST: Sql = Sql::both(
    "SELECT id, account_id, order_number, kind, actor, detail, at FROM events WHERE id < $1
     ORDER BY id DESC LIMIT $2",
);

const NEWEST_OF_ACCOUNT: Sql = Sql::both(
    "SELECT id, account_id, order_number, kind, actor, detail, at FROM events WHERE account_id = $1 AND id < $2
     ORDER BY id DESC LIMIT $3",
);

const COUNT: Sql = Sql::both("SELECT COUNT(*), COUNT(seal) FROM events WHERE account_id = $1");

const NEXT_ROUND: Sql = Sql::both("SELECT COALESCE(MAX(round), 0) + 1 FROM seals");

// The outer condition holds also for a row that another sealer took while this one waited for it.
const TAKE: Sql = Sql::both(
    "UPDATE events SET seal = $1
     WHERE seal IS NULL AND id IN (SELECT id FROM events WHERE seal IS NULL ORDER BY id LIMIT $2)
     RETURNING id, account_id, order_number, kind, actor, detail, at",
);

const LAST_SEAL: Sql =
    Sql::both("SELECT hash FROM seals WHERE account_id = $1 ORDER BY round DESC LIMIT 1");

const SEAL: Sql = Sql::both("INSERT INTO seals (account_id, round, hash) VALUES ($1, $2, $3)");

const SEALS: Sql = Sql::both("SELECT round, hash FROM seals WHERE account_id = $1 ORDER BY round");

const OF_ROUND: Sql = Sql::both(
    "SELECT id, account_id, order_number, kind, actor, detail, at FROM events
     WHERE account_id = $1 AND seal = $2 ORDER BY id",
);

/// An event that names a round without a seal was sealed by nobody.
const WITHOUT_SEAL: Sql = Sql::both(
    "SELECT e.id FROM events e WHERE e.account_id = $1 AND e.seal IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM seals s WHERE s.account_id = e.account_id AND s.round = e.seal)
     ORDER BY e.id LIMIT 1",
);
