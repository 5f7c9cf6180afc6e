//! Which crate of the workspace may depend on which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

/// Crates and what each may build on. A crate that is not listed may not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    ("chancery", &["server", "sandbox", "client"]),
    ("server", &["wire", "issuance", "validation", "store", "domain"]),
    ("client", &["wire", "domain"]),
    ("wire", &["domain"]),
    ("issuance", &["domain"]),
    ("validation", &["domain"]),
    ("store", &["domain"]),
    ("sandbox", &[]),
    ("domain", &[]),
    ("xtask", &["wire", "issuance", "domain"]),
];

/// What tests may use besides.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] =
    &[("chancery", &["store", "domain", "wire", "issuance"]), ("store", &["store"])];

/// `from` depends on `to`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub only_in_tests: bool,
}

/// Every arrow between crates of the workspace, as cargo sees them.
pub fn of_workspace(root: &Path) -> anyhow::Result<Vec<Arrow>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(read(&metadata))
}

fn read(metadata: &Value) -> Vec<Arrow> {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = packages().map(name).collect();
    let mut found = BTreeSet::new();
    for package in packages() {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = name(dependency);
            // A crate of somebody else's may have the name of one of ours; it has no path.
            if ours.contains(&to) && dependency["path"].is_string() {
                let only_in_tests = dependency["kind"] == "dev";
                found.insert(Arrow { from: name(package), to, only_in_tests });
            }
        }
    }
    found.into_iter().collect()
}

/// The arrows that may not be, in words.
pub fn faults(arrows: &[Arrow]) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let in_tests: BTreeMap<_, _> = ALLOWED_IN_TESTS.iter().copied().collect();
    let lists = |table: &BTreeMap<&str, &[&str]>, arrow: &Arrow| {
        table.get(arrow.from.as_str()).is_some_and(|to| to.contains(&arrow.to.as_str()))
    };
    let is_allowed =
        |arrow: &Arrow| lists(&allowed, arrow) || (arrow.only_in_tests && lists(&in_tests, arrow));
    let words = |arrow: &Arrow| {
        let kind = if arrow.only_in_tests { " (in tests)" } else { "" };
        format!("{} -> {}{kind}", arrow.from, arrow.to)
    };
    arrows.iter().filter(|arrow| !is_allowed(arrow)).map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_no_forbidden_arrow() {
        let arrows = of_workspace(&crate::root()).expect("cargo metadata");
        assert!(arrows.len() > 10, "{arrows:?}");
        assert_eq!(faults(&arrows), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_arrow_is_named() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "wire", "dependencies": [
                { "name": "store", "path": "/x", "kind": null },
                { "name": "domain", "path": "/x", "kind": null },
                { "name": "server", "kind": null },
            ]},
            { "name": "store", "dependencies": [{ "name": "wire", "path": "/x", "kind": "dev" }] },
            { "name": "chancery", "dependencies": [{ "name": "store", "path": "/x", "kind": "dev" }] },
            { "name": "server", "dependencies": [] },
            { "name": "domain", "dependencies": [] },
            { "name": "newcomer", "dependencies": [{ "name": "domain", "path": "/x", "kind": null }] },
        ]});
        let found = faults(&read(&metadata));
        assert_eq!(found, ["newcomer -> domain", "store -> wire (in tests)", "wire -> store"]);
    }
}
