//! The built-in texts. A mail's layout stands once, in `layouts/<mail>.txt` and `.html`; what it says stands in the table of
//! a language ([`crate::texts`]). At the first mail the sentences of every language are put into the layouts, and from
//! then on a mail is one template for each of its parts, as if it had been written in that language.
//!
//! HTML parts extend `layouts/frame.html`, which holds the look.

use std::sync::LazyLock;

use domain::order_ssl::Language;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::custom::Kind;
use super::layouts;
use crate::texts::{self, Mails};

/// The three texts of a mail.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Renders a built-in mail. A text that does not render is empty; a test renders every one of them.
pub(super) fn render(kind: Kind, language: Language, vars: &Value) -> Rendered {
    let part = |part: &str| {
        let name = template_name(language, kind, part);
        BUILT_IN.get_template(&name).and_then(|t| t.render(vars)).unwrap_or_default()
    };
    Rendered { subject: part("subject"), text: part("txt"), html: part("html") }
}

fn template_name(language: Language, kind: Kind, part: &str) -> String {
    format!("{}/{}.{part}", language.code(), kind.as_str())
}

/// An environment with our escaping and nothing else: no filters, no functions, no files, no undefined variables.
pub(super) fn bare_environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    env.set_formatter(write_value);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    if let Ok(syntax) = syntax.build() {
        env.set_syntax(syntax);
    }
    env
}

/// Programs read the order's number from it, so it is the same in all languages.
const SUBJECT: &str = "ORDER #{{ order }} - [[subject]]";

/// A mail's layouts: of its text part and of its HTML part.
fn layouts_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Dcv => (include_str!("layouts/dcv.txt"), include_str!("layouts/dcv.html")),
        Kind::Certificate => {
            (include_str!("layouts/certificate.txt"), include_str!("layouts/certificate.html"))
        }
        Kind::SmimeVerification => (
            include_str!("layouts/smime_verification.txt"),
            include_str!("layouts/smime_verification.html"),
        ),
        Kind::SmimeRequest => {
            (include_str!("layouts/smime_request.txt"), include_str!("layouts/smime_request.html"))
        }
        Kind::SmimeCollection => (
            include_str!("layouts/smime_collection.txt"),
            include_str!("layouts/smime_collection.html"),
        ),
    }
}

/// A sentence by its name.
type Sentence = (&'static str, &'static str);

/// What a mail says: its own sentences, what several mails say, and which language it is.
fn sentences_of(kind: Kind, language: Language) -> Vec<Sentence> {
    let mails = texts::mails(language);
    let mut all = own_sentences(kind, mails);
    all.extend(mails.common.all());
    all.push(("language", language.code()));
    all
}

fn own_sentences(kind: Kind, mails: &'static Mails) -> Vec<Sentence> {
    match kind {
        Kind::Dcv => mails.dcv.all(),
        Kind::Certificate => mails.certificate.all(),
        Kind::SmimeVerification => mails.smime_verification.all(),
        Kind::SmimeRequest => mails.smime_request.all(),
        Kind::SmimeCollection => mails.smime_collection.all(),
    }
}

/// The templates of a mail in a language, by their names.
fn templates_of(kind: Kind, language: Language) -> [(String, String); 3] {
    let sentences = sentences_of(kind, language);
    let (text, html) = layouts_of(kind);
    [
        (template_name(language, kind, "subject"), layouts::text(SUBJECT, &sentences)),
        (template_name(language, kind, "txt"), layouts::text(text, &sentences)),
        (template_name(language, kind, "html"), layouts::html(html, &sentences)),
    ]
}

static BUILT_IN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = bare_environment();
    // One that does not parse is missing, and its mail's part empty; a test refuses that.
    let _ = env.add_template("frame.html", include_str!("layouts/frame.html"));
    for language in Language::CODES.into_iter().filter_map(Language::from_code) {
        for (name, source) in Kind::ALL.into_iter().flat_map(|kind| templates_of(kind, language)) {
            let _ = env.add_template_owned(name, source);
        }
    }
    env
});

/// Writes a variable; in HTML with the five characters escaped that matter. (The stock escaping turns slashes into
/// entities too, and programs that look for links in a mail do not undo that.)
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let owned;
    let text = match value.as_str() {
        Some(text) => text,
        None => {
            owned = value.to_string();
            &owned
        }
    };
    let raw = value.is_safe() || !matches!(state.auto_escape(), AutoEscape::Html);
    let written = if raw { out.write_str(text) } else { out.write_str(&escape(text)) };
    written.map_err(Error::from)
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len() + 16), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
