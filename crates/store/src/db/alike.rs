//! Statements that differ in their parameters only, as one statement that takes lists.
//!
//! `INSERT INTO t (a, b) VALUES ($1, $2)` for a hundred rows becomes
//! `INSERT INTO t (a, b) SELECT r.p1, r.p2 FROM unnest($1::int8[], $2::text[]) AS r (p1, p2)`, and an UPDATE by key
//! joins the same list. What a server does for each statement costs more than what it does for most rows.

use tokio_postgres::types::{ToSql, Type};

use super::value::{Owned, Value};

/// The text that does for lists what `text` does for one row; None if that is not known of a text of this form.
pub(crate) fn for_lists(text: &str, types: &[Type]) -> Option<String> {
    if types.is_empty() || ["SELECT", "ON CONFLICT", "RETURNING"].iter().any(|w| text.contains(w)) {
        return None;
    }
    let columns: Vec<String> = (1..=types.len()).map(|n| format!("p{n}")).collect();
    let lists: Vec<String> =
        (1..).zip(types).map(|(n, ty)| format!("${n}::{}[]", ty.name())).collect();
    let rows = format!("FROM unnest({}) AS r ({})", lists.join(", "), columns.join(", "));
    if text.starts_with("INSERT INTO ") {
        let (head, values) = text.split_once("VALUES (")?;
        let values = values.trim_end().strip_suffix(')')?;
        return Some(format!("{head}SELECT {} {rows}", of_row(values)));
    }
    if text.starts_with("UPDATE ") {
        let (set, condition) = text.split_once("WHERE ")?;
        return Some(format!("{} {rows} WHERE {}", of_row(set), of_row(condition)));
    }
    None
}

/// `$n` becomes `r.pn`.
fn of_row(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '$' && rest.peek().is_some_and(char::is_ascii_digit) {
            out.push_str("r.p");
        } else {
            out.push(c);
        }
    }
    out
}

/// The parameters of such a statement: a list per column.
pub(crate) struct Lists<'a>(Vec<Vec<Value<'a>>>);

impl<'a> Lists<'a> {
    /// From the parameters of each row.
    pub fn new(rows: &[&'a [Owned]]) -> Self {
        let width = rows.first().map_or(0, |row| row.len());
        let column = |n: usize| rows.iter().map(|row| row[n].value()).collect();
        Self((0..width).map(column).collect())
    }

    /// As parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
        self.0.iter().map(|list| list as &(dyn ToSql + Sync))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_and_updates_take_lists() {
        let of = |text| for_lists(text, &[Type::INT8, Type::TEXT]);
        assert_eq!(
            of("INSERT INTO t (a, b, c)\n VALUES ($1, $2, 0)").as_deref(),
            Some(
                "INSERT INTO t (a, b, c)\n SELECT r.p1, r.p2, 0 FROM unnest($1::int8[], $2::text[]) AS r (p1, p2)"
            )
        );
        assert_eq!(
            of("UPDATE t SET b = $2, n = n + 1\n WHERE a = $1 AND b IS NULL").as_deref(),
            Some(
                "UPDATE t SET b = r.p2, n = n + 1\n  FROM unnest($1::int8[], $2::text[]) AS r (p1, p2) WHERE a = r.p1 AND b IS NULL"
            )
        );
        assert_eq!(of("INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING"), None);
        assert_eq!(of("INSERT INTO t (a) VALUES ($1) RETURNING id"), None);
        assert_eq!(of("DELETE FROM t WHERE a = $1"), None);
    }
}
