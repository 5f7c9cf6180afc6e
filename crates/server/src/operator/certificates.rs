//! Certificates: looked at, revoked.

use domain::certificate::{OrderNumber, RevocationReason, Serial};
use serde::Serialize;
use store::{certificates, orders};

use super::{Complaint, Done, Office, one_of};
use crate::app::certificates::{Which, revoke_in, serial_of, with_its_key};

/// A certificate for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateView {
    /// Serial.
    pub serial: String,
    /// The order.
    pub order: i64,
    /// The common name.
    pub common_name: Option<String>,
    /// The order's state.
    pub state: &'static str,
    /// First second.
    pub not_before: Option<String>,
    /// Last second.
    pub not_after: Option<String>,
    /// The issuing CA's number.
    pub ca: Option<i64>,
    /// Which of the CA's CRLs names it once it is revoked.
    pub crl_shard: Option<i64>,
    /// SHA-256 of the certificate.
    pub sha256: Option<String>,
    /// Since when it is revoked.
    pub revoked_at: Option<String>,
    /// Why.
    pub revocation_reason: Option<&'static str>,
    /// PEM.
    pub pem: Option<String>,
}

/// What a revocation gives.
#[derive(Clone, Debug, Serialize)]
pub struct Revocation {
    /// Serial.
    pub serial: String,
    /// Reason.
    pub reason: &'static str,
    /// Serials of other certificates that were revoked with it: those on the same key, when that is compromised.
    pub with_it: Vec<String>,
}

impl CertificateView {
    pub(super) fn new(order: &orders::OrderView, shard: Option<i64>) -> Option<Self> {
        let serial = order.state.serial()?;
        let (at, reason) = match &order.state {
            domain::order::RequestState::Revoked { reason, at, .. } => (Some(*at), Some(*reason)),
            _ => (None, None),
        };
        let der = order.der.as_deref();
        Some(Self {
            serial: serial.to_string(),
            order: order.number.0,
            common_name: order.common_name.clone(),
            state: order.state.word(),
            not_before: order.validity.map(|(from, _)| from.to_string()),
            not_after: order.validity.map(|(_, to)| to.to_string()),
            ca: order.ca.map(|ca| ca.0),
            crl_shard: shard,
            sha256: der.map(|der| hex::encode(issuance::spki::sha256(der))),
            revoked_at: at.map(|t| t.to_string()),
            revocation_reason: reason.map(RevocationReason::as_str),
            pem: der.map(|der| issuance::collect::pem("CERTIFICATE", der)),
        })
    }
}

/// One certificate.
///
/// # Errors
/// When no certificate has that serial.
pub fn show(office: &Office, serial: &str) -> Done<CertificateView> {
    let (serial, typed) = (read_serial(serial)?, serial.trim().to_owned());
    office.read("certificate", move |tx| {
        let unknown = || {
            let order = typed.len() == 8 && typed.bytes().all(|b| b.is_ascii_digit());
            let hint = if order { "; orders are shown by `chancery order show`" } else { "" };
            Complaint(format!("no certificate has the serial {serial}{hint}"))
        };
        let id = certificates::request_of(tx, serial)?.ok_or_else(unknown)?;
        let order = orders::by_certificate(tx, id)?.ok_or_else(unknown)?;
        let shard = certificates::shard_of(tx, serial)?.map(|(_, shard)| shard);
        CertificateView::new(&order, shard).ok_or_else(unknown)
    })
}

/// Revokes a certificate, and with keyCompromise all others on its key. A running worker names them in its CRLs within a
/// minute.
///
/// # Errors
/// When there is no such certificate, or it is revoked already.
pub fn revoke(office: &Office, serial: &str, reason: &str) -> Done<Revocation> {
    revoke_which(office, Which::Serial(read_serial(serial)?), reason)
}

/// The same for the certificate of an order.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_order(office: &Office, order: i64, reason: &str) -> Done<Revocation> {
    revoke_which(office, Which::Order(OrderNumber(order)), reason)
}

/// When a key is compromised, all valid certificates on it are revoked in one transaction, and then those that were signed
/// meanwhile: of requests that come later none gets that far.
fn revoke_which(office: &Office, which: Which, reason: &str) -> Done<Revocation> {
    let known = RevocationReason::ALL.map(|r| (r, r.as_str()));
    let reason = one_of(reason, "reason", &known)?;
    let key_too = reason == RevocationReason::KeyCompromise;
    let now = office.now();
    let mut revoked: Vec<Serial> = Vec::new();
    let serial = loop {
        let (serial, others) = office.read("certificates_of_key", move |tx| match key_too {
            true => Ok(with_its_key(tx, which, now)?),
            false => Ok((serial_of(tx, which)?, Vec::new())),
        })?;
        let first = revoked.is_empty().then_some(serial);
        let next: Vec<Serial> = first.into_iter().chain(others).collect();
        if next.is_empty() {
            break serial;
        }
        revoked.extend(&next);
        let actor = office.actor.clone();
        office.write("revoke", move |tx| Ok(revoke_in(tx, &next, reason, &actor, now)?))?;
    };
    let with_it = revoked.iter().skip(1).map(ToString::to_string).collect();
    Ok(Revocation { serial: serial.to_string(), reason: reason.as_str(), with_it })
}

/// Hexadecimal, colons and blanks between or not, a sign octet before or not.
fn read_serial(text: &str) -> Done<Serial> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits);
    let digits = digits.strip_prefix("00").filter(|rest| rest.len() == 32).unwrap_or(digits);
    let odd = || {
        Complaint(format!(
            "'{text}' is no serial of ours: up to 32 digits of hexadecimal; `openssl x509 -noout -serial` prints them"
        ))
    };
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(odd());
    }
    let number = u128::from_str_radix(digits, 16).map_err(|_| odd())?;
    Serial::from_stored(&number.to_be_bytes()).ok_or_else(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_as_tools_print_them() {
        let plain = "9F000000000000000000000000000A01";
        for text in [
            plain,
            "9f:00:00:00:00:00:00:00:00:00:00:00:00:00:0a:01",
            "0x9F000000000000000000000000000A01",
            "009F000000000000000000000000000A01",
        ] {
            assert_eq!(read_serial(text).unwrap().to_string(), plain, "{text}");
        }
        // openssl leaves out leading zeros in pairs.
        for text in ["0A01", "00000000000000000000000000000A01"] {
            assert_eq!(read_serial(text).unwrap().to_string(), "0A01");
        }
        for bad in ["", "0", "xyz", "9F0000000000000000000000000000000A01", "+1"] {
            assert!(read_serial(bad).is_err(), "{bad}");
        }
    }
}
