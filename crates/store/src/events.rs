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
/// one sealer works at a time.
///
/// An event may be committed after one with a higher number was sealed (PostgreSQL gives numbers before commits), so
/// only events older than `before` (milliseconds of business time) are taken, in the order of their numbers.
pub fn seal(tx: &mut Tx<'_>, before: Time, limit: u32) -> Result<usize> {
    let mut events = tx.query(&UNSEALED, params![limit], read)?;
    let rested = events.iter().take_while(|event| event.at <= before).count();
    events.truncate(rested);
    let mut chains: BTreeMap<i64, (i64, Vec<u8>)> = BTreeMap::new();
    for event in &events {
        let account = event.account.0;
        let (last, hash) = match chains.entry(account) {
            Entry::Occupied(chain) => chain.into_mut(),
            Entry::Vacant(place) => {
                let hash = tx.query_opt(&LAST_SEAL, params![account], |row| row.bytes(0))?;
                place.insert((0, hash.unwrap_or_default()))
            }
        };
        *hash = chain_hash(hash, event);
        *last = event.id;
    }
    for (account, (last, hash)) in &chains {
        tx.execute_one(&SEAL, params![*account, *last, hash])?;
    }
    Ok(events.len())
}

/// Walks an account's chain and says the number of the first event of the first round whose seal is wrong; None when all
/// is well. Events that are not sealed yet are not looked at.
pub fn first_broken_seal(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<i64>> {
    let seals = tx.query(&SEALS, params![account.0], |row| Ok((row.int(0)?, row.bytes(1)?)))?;
    let (mut after, mut previous) = (0, Vec::new());
    for (last, hash) in seals {
        let events = tx.query(&BETWEEN, params![account.0, after, last], read)?;
        let chained = events.iter().fold(previous, |hash, event| chain_hash(&hash, event));
        if chained != hash {
            return Ok(Some(events.first().map_or(last, |event| event.id)));
        }
        (after, previous) = (last, hash);
    }
    Ok(None)
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
    &UNSEALED,
    &LAST_SEAL,
    &SEAL,
    &SEALS,
    &BETWEEN,
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

const COUNT: Sql = Sql::both(
    "SELECT (SELECT COUNT(*) FROM events WHERE account_id = $1),
         (SELECT COUNT(*) FROM events WHERE account_id = $1
             AND id <= (SELECT MAX(event_id) FROM event_seals WHERE account_id = $1))",
);

const UNSEALED: Sql = Sql::both(
    "SELECT e.id, e.account_id, e.order_number, e.kind, e.actor, e.detail, e.at FROM events e
     WHERE e.id > COALESCE((SELECT MAX(event_id) FROM event_seals), 0)
     ORDER BY e.id LIMIT $1",
);

const LAST_SEAL: Sql =
    Sql::both("SELECT hash FROM event_seals WHERE account_id = $1 ORDER BY event_id DESC LIMIT 1");

const SEAL: Sql =
    Sql::both("INSERT INTO event_seals (account_id, event_id, hash) VALUES ($1, $2, $3)");

const SEALS: Sql =
    Sql::both("SELECT event_id, hash FROM event_seals WHERE account_id = $1 ORDER BY event_id");

const BETWEEN: Sql = Sql::both(
    "SELECT id, account_id, order_number, kind, actor, detail, at FROM events
     WHERE account_id = $1 AND id > $2 AND id <= $3 ORDER BY id",
);
