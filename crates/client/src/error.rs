//! What can go wrong with a call.

use std::fmt;

/// A call that brought no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The address, the roots or a value cannot be used; nothing was sent.
    #[error("{0}")]
    Setup(String),
    /// The server could not be reached; nothing was sent.
    #[error("cannot reach the server: {0}")]
    Unreachable(String),
    /// The connection broke after the call was sent: it may or may not have been carried out.
    #[error("the connection broke, the outcome is unknown: {0}")]
    Unknown(String),
    /// The answer cannot be read.
    #[error("an answer that cannot be read: {0}")]
    Unreadable(String),
}

/// The server's refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The code, below zero.
    pub code: i64,
    /// The message.
    pub message: String,
    /// The parameter that is meant, if the server tells.
    pub item: Option<String>,
    /// More words, if the server has any.
    pub detail: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}
