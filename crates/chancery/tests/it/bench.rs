//! `chancery bench` brings whole real orders through, on both databases, and says what it found. How fast is not judged.

use serde_json::Value;
use store::Database;

use crate::cli::{chancery, json};
use crate::with_each;

with_each!(whole_orders_go_through);

const SMALL: [&str; 10] = [
    "bench",
    "--orders",
    "24",
    "--connections",
    "4",
    "--in-flight",
    "8",
    "--accounts",
    "3",
    "--json",
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("a number: {value}"))
}

fn whole_orders_go_through(database: Database) {
    let (more, word): (&[&str], _) = match database {
        Database::Sqlite => (&[], "SQLite"),
        Database::Postgres => (&["--private-postgres"], "PostgreSQL"),
    };
    let report = json(&chancery(&[&SMALL[..], &["--fill", "40"], more].concat()));
    assert_eq!(report["database"], word);
    assert_eq!(report["connections"], 4);
    assert_eq!(report["in_flight"], 8);
    assert_eq!(report["accounts"], 3);
    let phases = report["phases"].as_array().expect("phases");
    let [place, road] = &phases[..] else { panic!("two phases: {report}") };
    for (phase, name, before) in [(place, "place", false), (road, "road", true)] {
        assert!(phase["phase"].as_str().is_some_and(|p| p.contains(name)), "{phase}");
        assert_eq!(phase["proofs_published_before"], before);
        assert_eq!(phase["place_ms"]["count"], 24);
        assert!(number(&phase["orders_per_second"]) > 0.0, "{phase}");
        let times = ["p50", "p99", "max"].map(|key| number(&phase["place_ms"][key]));
        assert!(times[0] > 0.0 && times.is_sorted(), "{phase}");
        assert!(number(&phase["server"]["resident_peak_mib"]) > 0.0, "{phase}");
        assert!(number(&phase["server"]["cpu_seconds"]) > 0.0, "{phase}");
    }
    assert!(number(&road["certificates_per_second"]) > 0.0, "{road}");
    assert_eq!(road["order_to_certificate_ms"]["count"], 24);
    // Those that fill the database are whole orders as well.
    assert!(number(&report["orders_in_database"]) >= 88.0, "{report}");
    assert!(number(&report["samples_verified"]) > 0.0, "{report}");
    for key in ["disk_syncs_before", "disk_syncs_after", "ready_ms_filled", "ready_ms_after"] {
        assert!(number(&report[key]) > 0.0, "{key} in {report}");
    }
}

/// S/MIME orders, each proven by the code of its own mail.
#[test]
fn mailboxes_are_proven_under_load() {
    let report = json(&chancery(&[&SMALL[..], &["--only", "smime"]].concat()));
    let phases = report["phases"].as_array().expect("phases");
    let [phase] = &phases[..] else { panic!("one phase: {report}") };
    assert_eq!(phase["phase"], "S/MIME");
    assert_eq!(phase["order_to_certificate_ms"]["count"], 24);
    assert!(number(&phase["certificates_per_second"]) > 0.0, "{phase}");
    assert!(number(&report["samples_verified"]) > 0.0, "{report}");
}

#[test]
fn proofs_may_be_there_before_orders_are_placed() {
    let output =
        chancery(&[&SMALL[..9], &["--only", "place", "--place-proofs", "before"]].concat());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "proven by records published before",
        "orders placed",
        "syncs/s before",
        "samples verified",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
}
