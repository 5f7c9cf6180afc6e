//! The text of a query.

/// One named query: one text where the dialects agree, a pair where they part.
///
/// Parameters are `$1`, `$2`, ... in both. A `$` before a digit inside a quoted literal is not
/// supported. Sums need `CAST(SUM(x) AS BIGINT)`, since PostgreSQL widens them to NUMERIC.
///
/// ```
/// # use store::Sql;
/// const NAME_OF: Sql = Sql::both("SELECT name FROM account WHERE id = $1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// The same text for both databases.
    pub const fn both(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }

    /// A text for SQLite and one for PostgreSQL.
    pub const fn pair(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    pub(crate) const fn for_sqlite(&self) -> &'static str {
        self.sqlite
    }

    pub(crate) const fn for_postgres(&self) -> &'static str {
        self.postgres
    }
}

/// Identity of a static text, cheaper to hash than the text itself.
pub(crate) type Key = (usize, usize);

pub(crate) fn key(text: &'static str) -> Key {
    (text.as_ptr().addr(), text.len())
}

/// Turns `$n` into `?n`: SQLite takes `$n` for a name and numbers names by first appearance.
pub(crate) fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let parameter = c == '$' && rest.peek().is_some_and(char::is_ascii_digit);
        out.push(if parameter { '?' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn only_parameters_are_renamed() {
        assert_eq!(numbered("a=$2 AND b=$10"), "a=?2 AND b=?10");
        assert_eq!(numbered("json_extract(v, '$[0]') $"), "json_extract(v, '$[0]') $");
    }
}
