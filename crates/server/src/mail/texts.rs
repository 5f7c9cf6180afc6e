//! The built-in texts: `templates/<language>/<mail>.subject`, `.txt` and `.html`.
//!
//! A further language is a folder with the same files and one line in [`LANGUAGES`]; a mail whose language has no
//! folder is written in English. HTML parts extend `templates/frame.html`, which holds the look.

use std::sync::LazyLock;

use domain::order_ssl::Language;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::custom::Kind;

/// The three texts of a mail.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Renders a built-in mail. A text that does not render is empty; a test renders every one of them.
pub(super) fn render(kind: Kind, language: Language, vars: &Value) -> Rendered {
    let code = language.code();
    let folder = if LANGUAGES.iter().any(|l| l.code == code) { code } else { "en" };
    let part = |ending: &str| {
        let name = format!("{folder}/{}.{ending}", kind.as_str());
        BUILT_IN.get_template(&name).and_then(|t| t.render(vars)).unwrap_or_default()
    };
    Rendered { subject: part("subject"), text: part("txt"), html: part("html") }
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

struct LanguageTexts {
    code: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! texts {
    ($code:literal) => {
        LanguageTexts {
            code: $code,
            files: &[
                texts!(@file $code, "/dcv.subject"),
                texts!(@file $code, "/dcv.txt"),
                texts!(@file $code, "/dcv.html"),
                texts!(@file $code, "/certificate.subject"),
                texts!(@file $code, "/certificate.txt"),
                texts!(@file $code, "/certificate.html"),
                texts!(@file $code, "/smime_verification.subject"),
                texts!(@file $code, "/smime_verification.txt"),
                texts!(@file $code, "/smime_verification.html"),
                texts!(@file $code, "/smime_request.subject"),
                texts!(@file $code, "/smime_request.txt"),
                texts!(@file $code, "/smime_request.html"),
                texts!(@file $code, "/smime_collection.subject"),
                texts!(@file $code, "/smime_collection.txt"),
                texts!(@file $code, "/smime_collection.html"),
            ],
        }
    };
    (@file $code:literal, $name:literal) => {
        (concat!($code, $name), include_str!(concat!("templates/", $code, $name)))
    };
}

const LANGUAGES: &[LanguageTexts] = &[texts!("en")];

static BUILT_IN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = bare_environment();
    let files = LANGUAGES.iter().flat_map(|l| l.files).copied();
    for (name, source) in files.chain([("frame.html", include_str!("templates/frame.html"))]) {
        // One that does not parse is missing, and its mail's part empty; the tests below refuse that.
        let _ = env.add_template(name, source);
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
mod tests {
    use super::*;

    #[test]
    fn every_text_parses() {
        for language in LANGUAGES {
            assert!(Language::from_code(language.code).is_some());
            for (name, _) in language.files {
                assert!(BUILT_IN.get_template(name).is_ok(), "{name}");
            }
        }
        assert!(BUILT_IN.get_template("frame.html").is_ok());
    }

    #[test]
    fn every_text_renders_with_the_sample() {
        for language in LANGUAGES.iter().filter_map(|l| Language::from_code(l.code)) {
            for kind in Kind::ALL {
                let rendered = render(kind, language, &kind.sample());
                for part in [&rendered.subject, &rendered.text, &rendered.html] {
                    assert!(!part.trim().is_empty(), "{} {kind:?}", language.code());
                }
                assert!(rendered.subject.starts_with("ORDER #"), "{}", rendered.subject);
                assert!(rendered.html.trim_end().ends_with("</html>"));
            }
        }
    }

    #[test]
    fn html_is_escaped_and_links_stay_whole() {
        assert_eq!(escape("https://a/?x=1&y=<'\">"), "https://a/?x=1&amp;y=&lt;&#39;&quot;&gt;");
    }
}
