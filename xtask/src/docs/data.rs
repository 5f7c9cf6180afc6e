//! Pages of the data files of `issuance`.

use anyhow::Context;
use issuance::profile::{builtin_policy, builtin_profiles};
use toml::{Table, Value};

use super::table;

/// Certificate profiles.
pub fn profiles() -> anyhow::Result<String> {
    let file: Table = builtin_profiles().parse().context("profiles.toml")?;
    let mut out = String::from(
        "# Profiles\n\nTLS server and S/MIME certificates. An attribute that is neither required nor optional never reaches a subject. \
         What is common to all is told in [issuance.md](../issuance.md).\n\n",
    );
    let columns = ["name", "hierarchy", "policy", "required", "optional", "wildcard", "ip"];
    let heads =
        ["profile", "hierarchy", "policy", "required", "optional", "wildcards", "IP addresses"];
    out += &table(&heads, rows(&file, "profile").map(|row| cells(row, &columns)));
    Ok(out)
}

/// Rules by date.
pub fn policy() -> anyhow::Result<String> {
    let file: Table = builtin_policy().parse().context("policy.toml")?;
    let mut out = String::from("# Policy\n\nThe last row that has begun counts.\n");
    let columns = ["from", "days", "source"];
    for (name, title) in [
        ("tls_validity", "Longest validity of a TLS certificate"),
        ("domain_reuse", "How long a proof of domain control may be used"),
        ("smime_validity", "Longest validity of an S/MIME certificate"),
        ("mailbox_reuse", "How long a proof of control of a mailbox may be used"),
    ] {
        out += &format!("\n## {title}\n\n");
        out += &table(&columns, rows(&file, name).map(|row| cells(row, &columns)));
    }
    if let Some(end) = file.get("mail_methods_end") {
        out += &format!("\nProof of domains by mail ends on {}.\n", text(end));
    }
    Ok(out)
}

fn rows<'a>(file: &'a Table, name: &str) -> impl Iterator<Item = &'a Table> + use<'a> {
    file.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn cells(row: &Table, columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| row.get(*column).map(text).unwrap_or_default()).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Boolean(true) => "yes".to_owned(),
        Value::Boolean(false) => "no".to_owned(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
