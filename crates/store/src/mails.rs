//! Outgoing mail, templates that override ours, and addresses that were offered for domains.

use domain::certificate::{AccountId, OrderNumber};
use domain::dcv::AddressSource;
use domain::mail_address::MailAddress;
use domain::names::DnsName;
use domain::time::Time;

use crate::{Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A mail about to be written down.
#[derive(Clone, Debug)]
pub struct NewMail {
    /// On whose account.
    pub account: AccountId,
    /// About which order.
    pub order: Option<OrderNumber>,
    /// Which mail, a word.
    pub kind: &'static str,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// Subject, for lists.
    pub subject: String,
    /// The whole message.
    pub message: Vec<u8>,
}

/// A mail that is to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its number.
    pub id: i64,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// The whole message.
    pub message: Vec<u8>,
}

/// A text of an operator's that takes the place of one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// Numbers for mails that this transaction writes down, one each.
pub fn numbers(tx: &mut Tx<'_>, count: usize) -> Result<Vec<i64>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.query(&NUMBERS, params![count], |row| row.int(0))
}

/// Writes a mail down under a number from [`numbers`].
pub fn insert(tx: &mut Tx<'_>, id: i64, m: &NewMail, now: Time) -> Result<()> {
    let values = params![
        id,
        m.account.0,
        m.order.map(|o| o.0),
        m.kind,
        &m.sender,
        &m.recipient,
        &m.subject,
        now.ms(),
    ];
    tx.execute_one(&INSERT, values)?;
    tx.execute_one(&INSERT_MESSAGE, params![id, &m.message])
}

/// Those of these mails that were not sent yet.
pub fn unsent(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Outgoing>> {
    let list = serde_json::json!(ids).to_string();
    tx.query(&UNSENT, params![&list], |row| {
        Ok(Outgoing {
            id: row.int(0)?,
            sender: row.text(1)?,
            recipient: row.text(2)?,
            message: row.bytes(3)?,
        })
    })
}

/// How many mails of a kind were written for an order since then.
pub fn count(tx: &mut Tx<'_>, order: OrderNumber, kind: &str, since: Time) -> Result<usize> {
    let count = tx.query_one(&COUNT, params![order.0, kind, since.ms()], |row| row.int(0))?;
    usize::try_from(count).map_err(|_| StoreError::inconsistent("a count"))
}

/// What a mail is about, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// To whom.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// The order.
    pub order: Option<OrderNumber>,
}

/// What a mail is about.
pub fn envelope(tx: &mut Tx<'_>, id: i64) -> Result<Option<Envelope>> {
    tx.query_opt(&ENVELOPE, params![id], |row| {
        Ok(Envelope {
            recipient: row.text(0)?,
            subject: row.text(1)?,
            order: row.opt_int(2)?.map(OrderNumber),
        })
    })
}

/// Notes that a mail was sent.
pub fn mark_sent(tx: &mut Tx<'_>, id: i64, now: Time) -> Result<()> {
    tx.execute_later(&MARK_SENT, params![id, now.ms()])
}

/// Notes why a mail could not be sent.
pub fn mark_failed(tx: &mut Tx<'_>, id: i64, error: &str) -> Result<()> {
    tx.execute_later(&MARK_FAILED, params![id, error])
}

/// Notes that addresses were offered for a domain.
pub fn offer(
    tx: &mut Tx<'_>,
    account: AccountId,
    domain: &DnsName,
    addresses: &[(MailAddress, AddressSource)],
    now: Time,
) -> Result<()> {
    for (address, source) in addresses {
        let address = address.as_str();
        let values = params![account.0, domain.as_str(), address, now.ms(), source.as_str()];
        tx.execute_one(&OFFER, values)?;
    }
    Ok(())
}

/// The addresses that were offered for a domain since then, and where it publishes them.
pub fn offered(
    tx: &mut Tx<'_>,
    account: AccountId,
    domain: &DnsName,
    since: Time,
) -> Result<Vec<(MailAddress, AddressSource)>> {
    tx.query(&OFFERED, params![account.0, domain.as_str(), since.ms()], |row| {
        let address = row.text_ref(0)?.parse();
        let source = row.text_ref(1)?.parse();
        match (address, source) {
            (Ok(address), Ok(source)) => Ok((address, source)),
            _ => Err(StoreError::inconsistent("offered address")),
        }
    })
}

/// Makes a template and gives its ID.
pub fn insert_template(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: &str,
    t: &Template,
    now: Time,
) -> Result<i64> {
    let values = params![account.0, kind, &t.subject, &t.text, &t.html, now.ms()];
    tx.query_one(&INSERT_TEMPLATE, values, |row| row.int(0))
}

/// An account's template of a kind by its ID.
pub fn template(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: &str,
    id: i64,
) -> Result<Option<Template>> {
    tx.query_opt(&TEMPLATE, params![account.0, kind, id], |row| {
        Ok(Template { subject: row.text(0)?, text: row.text(1)?, html: row.text(2)? })
    })
}

/// A template in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateLine {
    /// Its ID.
    pub id: i64,
    /// Whose.
    pub account: AccountId,
    /// For which mail.
    pub kind: String,
    /// Its subject.
    pub subject: String,
    /// Since when.
    pub created_at: Time,
}

/// Every template, by ID.
pub fn templates(tx: &mut Tx<'_>) -> Result<Vec<TemplateLine>> {
    tx.query(&TEMPLATES, &[], |row| {
        Ok(TemplateLine {
            id: row.int(0)?,
            account: AccountId(row.int(1)?),
            kind: row.text(2)?,
            subject: row.text(3)?,
            created_at: Time::from_ms(row.int(4)?),
        })
    })
}

/// The queries of this file.
pub const ALL: &[&Sql] = &[
    &NUMBERS,
    &INSERT,
    &INSERT_MESSAGE,
    &UNSENT,
    &COUNT,
    &ENVELOPE,
    &MARK_SENT,
    &MARK_FAILED,
    &OFFER,
    &OFFERED,
    &INSERT_TEMPLATE,
    &TEMPLATE,
    &TEMPLATES,
];

const NUMBERS: Sql = Sql::pair(
    "WITH RECURSIVE further(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM further WHERE n < $1)
     SELECT (SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'mails') + n FROM further",
    "SELECT nextval(pg_get_serial_sequence('mails', 'id')) FROM generate_series(1, CAST($1 AS BIGINT))",
);

const INSERT: Sql = Sql::both(
    "INSERT INTO mails (id, account_id, order_number, kind, sender, recipient, subject, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

const INSERT_MESSAGE: Sql =
    Sql::both("INSERT INTO mail_messages (mail_id, message) VALUES ($1, $2)");

const UNSENT: Sql = Sql::pair(
    "SELECT id, sender, recipient, message FROM mails JOIN mail_messages ON mail_id = id
     WHERE id IN (SELECT value FROM json_each($1)) AND sent_at IS NULL",
    "SELECT id, sender, recipient, message FROM mails JOIN mail_messages ON mail_id = id
     WHERE id = ANY(ARRAY(SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS BIGINT)))
         AND sent_at IS NULL",
);

const COUNT: Sql = Sql::both(
    "SELECT COUNT(*) FROM mails WHERE order_number = $1 AND kind = $2 AND created_at > $3",
);

const ENVELOPE: Sql = Sql::both("SELECT recipient, subject, order_number FROM mails WHERE id = $1");

const MARK_SENT: Sql =
    Sql::both("UPDATE mails SET sent_at = $2, last_error = NULL WHERE id = $1 AND sent_at IS NULL");

const MARK_FAILED: Sql =
    Sql::both("UPDATE mails SET last_error = $2 WHERE id = $1 AND sent_at IS NULL");

const OFFER: Sql = Sql::both(
    "INSERT INTO dcv_offers (account_id, domain, address, offered_at, source) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (account_id, domain, address)
         DO UPDATE SET offered_at = excluded.offered_at, source = excluded.source",
);

const OFFERED: Sql = Sql::both(
    "SELECT address, source FROM dcv_offers
     WHERE account_id = $1 AND domain = $2 AND offered_at >= $3 AND source IS NOT NULL ORDER BY address",
);

const INSERT_TEMPLATE: Sql = Sql::both(
    "INSERT INTO mail_templates (account_id, kind, subject, text, html, created_at)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING template_id",
);

const TEMPLATE: Sql = Sql::both(
    "SELECT subject, text, html FROM mail_templates WHERE account_id = $1 AND kind = $2 AND template_id = $3",
);

const TEMPLATES: Sql = Sql::both(
    "SELECT template_id, account_id, kind, subject, created_at FROM mail_templates ORDER BY template_id",
);
