//! Values that go into a statement and rows that come out of it.

use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// A parameter: only what both databases mean the same way. Texts and bytes are borrowed.
///
/// Time is `Int` (milliseconds), money is `Int` (minor units), a flag is `Int` (0 or 1), JSON is
/// `Text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The parameters of a statement: `params![id, name, &der]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*] as &[$crate::Value<'_>]
    };
}

macro_rules! from_number {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Value<'_> {
            fn from(n: $kind) -> Self {
                Self::Int(i64::from(n))
            }
        }
    )*};
}
from_number!(i64, i32, i16, u32, u16, u8, bool);

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) if *ty == Type::INT8 => n.to_sql(ty, out),
            Self::Int(n) if *ty == Type::INT4 => i32::try_from(n)?.to_sql(ty, out),
            Self::Int(n) if *ty == Type::INT2 => i16::try_from(n)?.to_sql(ty, out),
            Self::Int(n) if *ty == Type::BOOL => (n != 0).to_sql(ty, out),
            Self::Text(text) if <&str as ToSql>::accepts(ty) => text.to_sql(ty, out),
            Self::Bytes(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            _ => Err(format!("a parameter of type {ty} cannot take this value").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A parameter of a statement that is sent later.
#[derive(Clone)]
pub(crate) enum Owned {
    Null,
    Int(i64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
}

impl From<&Value<'_>> for Owned {
    fn from(value: &Value<'_>) -> Self {
        match *value {
            Value::Null => Self::Null,
            Value::Int(n) => Self::Int(n),
            Value::Text(text) => Self::Text(text.into()),
            Value::Bytes(bytes) => Self::Bytes(bytes.into()),
        }
    }
}

impl Owned {
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(n) => Value::Int(*n),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// One row of an answer, of either database. Columns count from 0.
pub struct Row<'r>(pub(crate) RowOf<'r>);

pub(crate) enum RowOf<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// A whole number.
    pub fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?.ok_or(StoreError::Column { column, wanted: "a number" })
    }

    /// A whole number or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        let wrong = StoreError::Column { column, wanted: "a number or null" };
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(column) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Integer(n)) => Ok(Some(n)),
                _ => Err(wrong),
            },
            RowOf::Postgres(row) => postgres_int(row, column).ok_or(wrong),
        }
    }

    /// A flag, stored as 0 or 1.
    pub fn bool(&self, column: usize) -> Result<bool> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StoreError::Column { column, wanted: "0 or 1" }),
        }
    }

    /// A text.
    pub fn text(&self, column: usize) -> Result<String> {
        self.text_ref(column).map(str::to_owned)
    }

    /// A text or NULL.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>> {
        Ok(self.opt_text_ref(column)?.map(str::to_owned))
    }

    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        self.bytes_ref(column).map(<[u8]>::to_vec)
    }

    /// Bytes or NULL.
    pub fn opt_bytes(&self, column: usize) -> Result<Option<Vec<u8>>> {
        Ok(self.opt_bytes_ref(column)?.map(<[u8]>::to_vec))
    }

    /// A text, borrowed from the row: enough for a parser.
    pub fn text_ref(&self, column: usize) -> Result<&str> {
        self.opt_text_ref(column)?.ok_or(StoreError::Column { column, wanted: "a text" })
    }

    /// A text or NULL, borrowed from the row.
    pub fn opt_text_ref(&self, column: usize) -> Result<Option<&str>> {
        let wrong = || StoreError::Column { column, wanted: "a text or null" };
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(column) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Text(text)) => {
                    std::str::from_utf8(text).map(Some).map_err(|_| wrong())
                }
                _ => Err(wrong()),
            },
            RowOf::Postgres(row) => row.try_get(column).map_err(|_| wrong()),
        }
    }

    /// Bytes, borrowed from the row.
    pub fn bytes_ref(&self, column: usize) -> Result<&[u8]> {
        self.opt_bytes_ref(column)?.ok_or(StoreError::Column { column, wanted: "bytes" })
    }

    /// Bytes or NULL, borrowed from the row.
    pub fn opt_bytes_ref(&self, column: usize) -> Result<Option<&[u8]>> {
        let wrong = || StoreError::Column { column, wanted: "bytes or null" };
        match self.0 {
            RowOf::Sqlite(row) => match row.get_ref(column) {
                Ok(ValueRef::Null) => Ok(None),
                Ok(ValueRef::Blob(bytes)) => Ok(Some(bytes)),
                _ => Err(wrong()),
            },
            RowOf::Postgres(row) => row.try_get(column).map_err(|_| wrong()),
        }
    }
}

/// `None` if the column is no number; `Some(None)` if it is NULL.
fn postgres_int(row: &tokio_postgres::Row, column: usize) -> Option<Option<i64>> {
    let ty = row.columns().get(column)?.type_();
    match *ty {
        Type::INT8 => row.try_get(column).ok(),
        Type::INT4 => row.try_get::<_, Option<i32>>(column).ok().map(|n| n.map(i64::from)),
        Type::INT2 => row.try_get::<_, Option<i16>>(column).ok().map(|n| n.map(i64::from)),
        Type::BOOL => row.try_get::<_, Option<bool>>(column).ok().map(|n| n.map(i64::from)),
        _ => None,
    }
}
