//! Answers in bytes. Lines end in LF only, the last one too: programs in use cut a final newline, none expects CRLF.

use std::borrow::Cow;

use domain::refusal::Refusal;
use serde_json::{Map, Value, json};

use crate::codes::{self, Told};
use crate::decode_csr;
use crate::table::{Endpoint, ErrorLayout, Format};

/// MIME type of lines.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// MIME type of pairs.
pub const FORM: &str = "application/x-www-form-urlencoded";
/// MIME type of JavaScript.
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// MIME type of JSON.
pub const JSON: &str = "application/json";
/// MIME type of XML.
pub const XML: &str = "application/xml; charset=utf-8";

/// An answer. Its HTTP status is 200, whatever it says (D23).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The MIME type.
    pub content_type: Cow<'static, str>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// From text.
    #[must_use]
    pub fn text(content_type: impl Into<Cow<'static, str>>, body: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), body: body.into().into_bytes() }
    }

    /// The answer that tells a refusal.
    #[must_use]
    pub fn refusal(endpoint: &Endpoint, format: Format, refusal: &Refusal) -> Self {
        Self::told(endpoint, format, codes::tell(endpoint, refusal))
    }

    /// The answer that tells a code, whatever the call was: for tests of programs that have to bear it.
    #[must_use]
    pub fn code(endpoint: &Endpoint, format: Format, code: i32) -> Self {
        Self::told(endpoint, format, codes::told_of(endpoint, code))
    }

    fn told(endpoint: &Endpoint, format: Format, told: Told) -> Self {
        let item = match endpoint.errors {
            ErrorLayout::Plain => None,
            ErrorLayout::WithItem => told.item.clone(),
            ErrorLayout::Counted => return decode_csr::refused(format, &[told]),
        };
        match format {
            Format::Lines | Format::Xml => Lines::new().line(told.code).line(&told.message).reply(),
            Format::Form => told_form(&told, item.as_deref()),
            Format::Json => told_json(told, item.as_deref()),
            Format::JavaScript => Declarations::new()
                .number("g_errorCode", told.code)
                .text("g_errorMessage", &told.message)
                .reply(None),
        }
    }
}

fn told_form(told: &Told, item: Option<&str>) -> Reply {
    Pairs::new()
        .pair("errorCode", told.code)
        .pair("errorMessage", &told.message)
        .maybe("errorItem", item)
        .maybe("errorDetail", told.detail.as_deref())
        .reply()
}

fn told_json(told: Told, item: Option<&str>) -> Reply {
    let mut object = Map::new();
    object.insert("errorCode".into(), json!(told.code));
    object.insert("errorMessage".into(), json!(told.message));
    if let Some(item) = item {
        object.insert("errorItem".into(), json!(item));
    }
    if let Some(detail) = told.detail {
        object.insert("errorDetail".into(), json!(detail));
    }
    json_reply(&Value::Object(object))
}

/// A JSON answer.
pub(crate) fn json_reply(value: &Value) -> Reply {
    Reply::text(JSON, value.to_string())
}

/// Lines of text.
pub(crate) struct Lines(String);

impl Lines {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    /// One line. What is in it can start no other.
    pub(crate) fn line(mut self, line: impl ToString) -> Self {
        self.0.push_str(&one_line(&line.to_string()));
        self.0.push('\n');
        self
    }

    /// A line, or none at all.
    pub(crate) fn maybe(self, line: Option<impl ToString>) -> Self {
        match line {
            Some(line) => self.line(line),
            None => self,
        }
    }

    /// Several lines, each with its newline already.
    pub(crate) fn block(mut self, block: &str) -> Self {
        self.0.push_str(block);
        self
    }

    pub(crate) fn reply(self) -> Reply {
        Reply::text(TEXT, self.0)
    }
}

/// URL-encoded pairs.
pub(crate) struct Pairs(String);

impl Pairs {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    /// A pair. Programs in use decode the whole answer before they split it at `&` and `=`, or decode twice: a value
    /// keeps none of `& = + %`, each becomes a blank.
    pub(crate) fn pair(self, key: &str, value: impl ToString) -> Self {
        let value = value.to_string().replace(['&', '=', '+', '%'], " ");
        self.exact(key, &value)
    }

    /// A pair, or none.
    pub(crate) fn maybe(self, key: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.pair(key, value),
            None => self,
        }
    }

    /// A pair whose value must arrive to the letter (Base64).
    pub(crate) fn exact(mut self, key: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        self
    }

    pub(crate) fn reply(self) -> Reply {
        Reply::text(FORM, self.0)
    }
}

/// Declarations of JavaScript variables.
pub(crate) struct Declarations(String);

impl Declarations {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn number(mut self, name: &str, value: i32) -> Self {
        self.0.push_str(&format!("var {name}={value};\n"));
        self
    }

    /// A string of ASCII that ends neither itself nor an element around it, wherever the script stands.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.0.push_str(&format!("var {name}=\""));
        for unit in value.encode_utf16() {
            match u8::try_from(unit).map(char::from) {
                Ok('\n') => self.0.push_str("\\n"),
                Ok(plain @ (' ' | '!' | '#'..='%' | '('..=';' | '=' | '?'..='[' | ']'..='~')) => {
                    self.0.push(plain);
                }
                _ => self.0.push_str(&format!("\\u{unit:04x}")),
            }
        }
        self.0.push_str("\";\n");
        self
    }

    /// With a MIME type of the caller's, or the usual one.
    pub(crate) fn reply(self, mime: Option<String>) -> Reply {
        Reply::text(mime.map_or(Cow::Borrowed(JAVASCRIPT), Cow::Owned), self.0)
    }
}

/// The text with control characters turned to blanks.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_that_of_forms() {
        let reply = Pairs::new().pair("a", "it's, no! 1.5 a&b=c+d%e").exact("b", "a+/=").reply();
        assert_eq!(reply.body, b"a=it%27s%2C+no%21+1.5+a+b+c+d+e&b=a%2B%2F%3D");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(Lines::new().line("a\r\nb").line(1).reply().body, b"a  b\n1\n");
    }
}
