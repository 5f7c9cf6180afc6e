//! Our tables and the specification's lists, both ways.

use wire::ENDPOINTS;
use wire::table::{Endpoint, Kind, OverLong, Requirement};

/// The endpoints that the specification lists and this crate has so far.
fn specified() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.into_iter().filter(|endpoint| ["AutoApplySSL"].contains(&endpoint.name))
}

#[test]
fn parameters_are_the_specifications() {
    let rows = csv(include_str!("../../spec/parameters.csv"));
    for endpoint in specified() {
        let theirs: Vec<String> = rows
            .iter()
            .filter(|row| row[0] == endpoint.name)
            .map(|row| row[1..9].join("|"))
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
            .filter(|row| row[0] == endpoint.name)
            .map(|row| (row[1].clone(), row[2].clone()))
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

/// Rows of a CSV text without its head. Quoted cells may hold commas and doubled quotes, not line ends.
fn csv(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(cells).collect()
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}
