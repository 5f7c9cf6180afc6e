//! A process that died after it had written a certificate down and before it had signed it: what the next one finds is made
//! by hand here, from an order that was issued.

use crate::kit::{Csr, Sandbox, fresh_name};
use crate::steps::{advance, issued, order_by, place, settled};
use crate::tools;

mod sqlite {
    #[test]
    fn what_was_written_down_is_signed_or_given_up() {
        super::story(&crate::kit::Sandbox::start(store::Database::Sqlite));
    }
}

mod postgres {
    #[test]
    fn what_was_written_down_is_signed_or_given_up() {
        super::story(&crate::kit::Sandbox::start(store::Database::Postgres));
    }
}

fn story(sandbox: &Sandbox) {
    let name = fresh_name("unsigned");
    let csr = Csr::new(&name);
    sandbox.publish_cname(&csr, &name, None);
    let order = place(sandbox, &order_by("CNAME_CSR_HASH", &csr));
    let first = issued(sandbox, &order, "the first time");

    // Soon afterwards the same bytes are signed.
    unsign(sandbox, &order, &first);
    look(sandbox, &order);
    let again = issued(sandbox, &order, "taken up");
    assert_eq!(tools::children(&again)[0], tools::children(&first)[0], "to be signed");

    // A second name that fell away from what is given up is not told as removed from what comes next.
    sandbox.change(&format!(
        "UPDATE certificate_requests SET removed_names = 'gone.{name}' WHERE order_number = {order}"
    ));
    // Days later its first second is too far back. It is given up, and another one is made.
    unsign(sandbox, &order, &again);
    advance(sandbox, "3d");
    look(sandbox, &order);
    let later = issued(sandbox, &order, "made anew");
    assert_ne!(tools::serial(&later), tools::serial(&first));
    assert_eq!(sandbox.request_column(&order, "removed_names"), "");
    let kept = "SELECT CAST(COUNT(*) AS TEXT) FROM unsigned_serials";
    assert_eq!(sandbox.value(kept), "1", "its serial is remembered");
    let debits = format!("SELECT CAST(COUNT(*) AS TEXT) FROM ledger WHERE order_number = {order}");
    assert_eq!(sandbox.value(&debits), "1", "paid once");
}

fn unsign(sandbox: &Sandbox, order: &str, leaf: &[u8]) {
    settled(sandbox);
    let tbs = hex::encode(tools::children(leaf)[0]);
    let tbs = match sandbox.is_postgres() {
        true => format!("decode('{tbs}', 'hex')"),
        false => format!("x'{tbs}'"),
    };
    let id = certificate(sandbox, order);
    sandbox.change(&format!(
        "UPDATE certificates SET der = NULL, issued_at = NULL, tbs = {tbs} WHERE certificate_id = {id}"
    ));
    sandbox.change(&format!(
        "UPDATE certificate_requests SET state = 'issuing' WHERE certificate_id = {id}"
    ));
}

fn look(sandbox: &Sandbox, order: &str) {
    let id = certificate(sandbox, order);
    sandbox.change(&format!(
        "INSERT INTO jobs (kind, subject, payload, run_at, created_at) VALUES ('validate', {id}, '', 0, 0)"
    ));
    settled(sandbox);
}

fn certificate(sandbox: &Sandbox, order: &str) -> String {
    sandbox.value(&format!(
        "SELECT CAST(certificate_id AS TEXT) FROM certificate_requests WHERE order_number = {order}"
    ))
}
