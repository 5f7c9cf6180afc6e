//! The names of a certificate request and how control of each was shown.

use domain::certificate::{CertificateId, OrderNumber};
use domain::dcv::{DcvMethod, RandomValue};
use domain::mail_address::MailAddress;
use domain::names::CertName;
use domain::placement::SpeaksFor;
use domain::proof::Control;
use domain::time::Time;

use crate::{Row, Sql, StoreError, Tx, params};

type Result<T> = std::result::Result<T, StoreError>;

/// A name of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestName {
    /// Place in the request, from 0.
    pub position: i64,
    /// The name.
    pub name: CertName,
    /// The second name that nobody ordered.
    pub implicit: bool,
    /// How control is to be shown.
    pub method: DcvMethod,
    /// For mail: to whom.
    pub address: Option<MailAddress>,
    /// For which authorization domain name that address speaks, and why.
    pub address_for: Option<SpeaksFor>,
    /// For mail: by which template, where it is another than the order's.
    pub template: Option<i64>,
    /// For mail and TXT records.
    pub random: Option<RandomValue>,
    /// How it was shown.
    pub shown: Option<Control>,
}

/// Writes a request's names.
pub fn insert(tx: &mut Tx<'_>, id: CertificateId, names: &[RequestName]) -> Result<()> {
    for n in names {
        let name = n.name.to_string();
        let values = params![
            id.0,
            n.position,
            name.as_str(),
            n.implicit,
            n.method.as_str(),
            n.address.as_ref().map(|a| a.as_str()),
            n.random.as_ref().map(|r| r.text.as_str()),
            n.random.as_ref().map(|r| r.made.ms()),
            n.address_for.as_ref().map(|a| a.adn.as_str()),
            n.address_for.as_ref().map(|a| a.source.as_str()),
            n.template,
        ];
        tx.execute_one(&INSERT, values)?;
    }
    Ok(())
}

/// Forgets a request's names, to write others.
pub fn delete(tx: &mut Tx<'_>, id: CertificateId) -> Result<()> {
    tx.execute(&DELETE, params![id.0]).map(drop)
}

/// A request's names, in order.
pub fn of_request(tx: &mut Tx<'_>, id: CertificateId) -> Result<Vec<RequestName>> {
    tx.query(&OF_REQUEST, params![id.0], read)
}

/// The names of several requests, each request's in order.
pub fn of_requests(
    tx: &mut Tx<'_>,
    ids: &[CertificateId],
) -> Result<Vec<(CertificateId, RequestName)>> {
    let list = crate::orders::list(ids.iter().map(|id| id.0));
    tx.query(&OF_REQUESTS, params![&list], |row| Ok((CertificateId(row.int(13)?), read(row)?)))
}

/// Changes how a name is to be proven. What was shown stays shown.
pub fn set_method(tx: &mut Tx<'_>, id: CertificateId, n: &RequestName) -> Result<()> {
    let values = params![
        id.0,
        n.position,
        n.method.as_str(),
        n.address.as_ref().map(|a| a.as_str()),
        n.random.as_ref().map(|r| r.text.as_str()),
        n.random.as_ref().map(|r| r.made.ms()),
        n.address_for.as_ref().map(|a| a.adn.as_str()),
        n.address_for.as_ref().map(|a| a.source.as_str()),
        n.template,
    ];
    tx.execute_one(&SET_METHOD, values)
}

/// Exchanges a random value for a new one, unless somebody did so before.
pub fn renew(tx: &mut Tx<'_>, id: CertificateId, n: &RequestName, new: &RandomValue) -> Result<()> {
    let old = n.random.as_ref().map(|r| r.text.as_str());
    let values = params![id.0, n.position, old, new.text.as_str(), new.made.ms()];
    tx.execute(&RENEW, values).map(drop)
}

/// Notes that control of a name was shown.
pub fn set_shown(tx: &mut Tx<'_>, id: CertificateId, position: i64, c: &Control) -> Result<()> {
    let shown_for = c.shown_for.to_string();
    let values = params![id.0, position, shown_for.as_str(), c.method.as_str(), c.at.ms()];
    tx.execute_one(&SET_SHOWN, values)
}

/// What was shown in every request of a chain.
pub fn controls_of_chain(tx: &mut Tx<'_>, base: OrderNumber) -> Result<Vec<Control>> {
    tx.query(&OF_CHAIN, params![base.0], |row| {
        read_control(row, 0)?.ok_or_else(|| StoreError::inconsistent("control without a name"))
    })
}

fn read(row: &Row<'_>) -> Result<RequestName> {
    let odd = || StoreError::inconsistent("name of a request");
    let random = match (row.opt_text(5)?, row.opt_int(6)?) {
        (Some(text), Some(made)) => Some(RandomValue { text, made: Time::from_ms(made) }),
        _ => None,
    };
    let address = row.opt_text_ref(4)?.map(str::parse).transpose();
    let address_for = match (row.opt_text_ref(10)?, row.opt_text_ref(11)?) {
        (Some(adn), Some(source)) => Some(SpeaksFor {
            adn: adn.parse().map_err(|_| odd())?,
            source: source.parse().map_err(|_| odd())?,
        }),
        // From before it was kept why: what is constructed is seen, and anything else is asked for again.
        _ => None,
    };
    Ok(RequestName {
        position: row.int(0)?,
        name: CertName::from_stored(row.text_ref(1)?).map_err(|_| odd())?,
        implicit: row.bool(2)?,
        method: row.text_ref(3)?.parse().map_err(|_| odd())?,
        address: address.map_err(|_| odd())?,
        address_for,
        template: row.opt_int(12)?,
        random,
        shown: read_control(row, 7)?,
    })
}

fn read_control(row: &Row<'_>, first: usize) -> Result<Option<Control>> {
    let odd = || StoreError::inconsistent("control of a name");
    let Some(shown_for) = row.opt_text_ref(first)? else {
        return Ok(None);
    };
    Ok(Some(Control {
        shown_for: CertName::from_stored(shown_for).map_err(|_| odd())?,
        method: row.text_ref(first + 1)?.parse().map_err(|_| odd())?,
        at: Time::from_ms(row.int(first + 2)?),
    }))
}

/// The queries of this file.
pub const ALL: &[&Sql] =
    &[&INSERT, &DELETE, &OF_REQUEST, &OF_REQUESTS, &SET_METHOD, &RENEW, &SET_SHOWN, &OF_CHAIN];

const INSERT: Sql = Sql::both(
    "INSERT INTO request_names (certificate_id, position, name, implicit, method, address, random_value,
         random_made_at, address_for, address_by, template_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

const DELETE: Sql = Sql::both("DELETE FROM request_names WHERE certificate_id = $1");

const OF_REQUEST: Sql = Sql::both(
    "SELECT position, name, implicit, method, address, random_value, random_made_at, shown_for, shown_by, shown_at,
         address_for, address_by, template_id
     FROM request_names WHERE certificate_id = $1 ORDER BY position",
);

const OF_REQUESTS: Sql = Sql::pair(
    "SELECT position, name, implicit, method, address, random_value, random_made_at, shown_for, shown_by, shown_at,
         address_for, address_by, template_id, certificate_id
     FROM request_names WHERE certificate_id IN (SELECT value FROM json_each($1)) ORDER BY certificate_id, position",
    "SELECT position, name, implicit, method, address, random_value, random_made_at, shown_for, shown_by, shown_at,
         address_for, address_by, template_id, certificate_id
     FROM request_names WHERE certificate_id = ANY(ARRAY(
         SELECT CAST(jsonb_array_elements_text(CAST(CAST($1 AS TEXT) AS JSONB)) AS BIGINT)))
     ORDER BY certificate_id, position",
);

const SET_METHOD: Sql = Sql::both(
    "UPDATE request_names SET method = $3, address = $4, random_value = $5, random_made_at = $6, address_for = $7,
         address_by = $8, template_id = $9
     WHERE certificate_id = $1 AND position = $2",
);

const RENEW: Sql = Sql::both(
    "UPDATE request_names SET random_value = $4, random_made_at = $5
     WHERE certificate_id = $1 AND position = $2 AND random_value = $3",
);

const SET_SHOWN: Sql = Sql::both(
    "UPDATE request_names SET shown_for = $3, shown_by = $4, shown_at = $5
     WHERE certificate_id = $1 AND position = $2",
);

const OF_CHAIN: Sql = Sql::both(
    "SELECT n.shown_for, n.shown_by, n.shown_at FROM orders o
     JOIN certificate_requests r ON r.order_number = o.order_number
     JOIN request_names n ON n.certificate_id = r.certificate_id
     WHERE o.base_order_number = $1 AND n.shown_for IS NOT NULL
     ORDER BY n.shown_at DESC LIMIT 5000",
);
