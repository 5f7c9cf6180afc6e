//! Our tables and the specification's lists, both ways, of the endpoints that the lists know and this crate has so far. The
//! others' tables come from pages that are not public as a whole, so that nothing is compared.

use wire::ENDPOINTS;
use wire::table::{Endpoint, Kind, OverLong, Requirement};

/// The endpoints that the specification lists and this crate has so far: whoever adds one of the others compares it by that.
fn specified() -> impl Iterator<Item = &'static Endpoint> {
    let rows = csv(include_str!("../../spec/parameters.csv"));
    let listed = move |endpoint: &&Endpoint| rows.iter().any(|row| row[0] == *endpoint.name);
    ENDPOINTS.into_iter().filter(listed)
}

#[test]
fn what_is_compared_is_something() {
    assert_eq!(
        specified().map(|endpoint| endpoint.name).collect::<Vec<_>>(),
        ["AutoApplyOrder", "AutoApplySSL", "AutoReplaceSMIME", "RequestAndCollectSMIME"]
    );
}

#[test]
fn parameters_are_the_specifications() {
    let rows = csv(include_str!("../../spec/parameters.csv"));
    for endpoint in specified() {
        let theirs: Vec<String> = rows
            .iter()
            .filter(|row| row[0] == *endpoint.name)
            .map(|row| row.iter().skip(1).take(8).collect::<Vec<_>>().join("|"))
            .collect();
        let ours: Vec<String> = endpoint
            .rows
            .iter()
            .map(|row| {
                let requirement = match row.requirement {
                    Requirement::Required => "required",
                    Requirement::Optional => "optional",
                    Requirement::Conditional => "conditional",
                };
                let kind = match row.kind {
                    Kind::String => "string",
                    Kind::Char => "char",
                    Kind::Integer => "integer",
                };
                let over_long = match row.over_long {
                    OverLong::Refuse => "",
                    OverLong::Truncate => "truncate",
                };
                let max = row.max_length.map(|max| max.to_string()).unwrap_or_default();
                let cells = [requirement, kind, &max, over_long, row.default, row.allowed];
                format!("{}|{}|{}", row.name, cells.join("|"), row.applies_to)
            })
            .collect();
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs, "{}", endpoint.name);
    }
}

#[test]
fn codes_are_the_specifications() {
    let rows = csv(include_str!("../../spec/errors.csv"));
    for endpoint in specified() {
        let theirs: Vec<(String, String)> = rows
            .iter()
            .filter(|row| row[0] == *endpoint.name)
            .map(|row| (row[1].to_owned(), row[2].to_owned()))
            .collect();
        let ours: Vec<(String, String)> =
            endpoint.codes.iter().map(|row| (row.code.to_string(), row.text.to_owned())).collect();
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs, "{}", endpoint.name);
    }
}

#[test]
fn names_are_unique_in_either_case() {
    for endpoint in ENDPOINTS {
        for (position, row) in endpoint.parameters().enumerate() {
            assert_eq!(endpoint.position(&row.name.to_uppercase()), Some(position), "{}", row.name);
        }
    }
}

/// Rows of a CSV text without its head.
fn csv(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<_, _>>().unwrap()
}
