//! Templates of an account's own, which take the place of our texts.
//!
//! Their language is a part of minijinja's small enough to be safe whoever writes it: `{{ variable }}`, `{% if %}`,
//! `{% for name in names %}` and comments. No quotes, calls, filters, arithmetic, assignments or other files, so a
//! template can neither read anything nor grow beyond its variables; fuel and a size bound nested loops.

use std::io;

use minijinja::value::Value;
use minijinja::{Environment, Error, context};
use store::mails::Template;

use super::texts::{Rendered, bare_environment};

/// Which mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Asks for confirmation of a domain: `order`, `domain`, `names`, `more_names`, `address`, `code`, `link`,
    /// `reject_link`, `brand`, `expires`.
    Dcv,
    /// Asks a mailbox for confirmation: `order`, `product`, `mailbox`, `code`, `link`, `brand`, `expires`.
    SmimeVerification,
    /// Tells of an order whose key is made later: `order`, `product`, `mailbox`, `link`, `brand`.
    SmimeRequest,
    /// Leads to the certificate: `order`, `product`, `mailbox`, `link`, `brand`, `issued`, `not_before`, `not_after`.
    SmimeCollection,
    /// Hands over a certificate: `order`, `product`, `name`, `pem`, `not_before`, `not_after`, `zip_name`, `brand`.
    Certificate,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [
        Kind::Dcv,
        Kind::Certificate,
        Kind::SmimeVerification,
        Kind::SmimeRequest,
        Kind::SmimeCollection,
    ];

    /// The word in the mails' table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Dcv => "dcv",
            Kind::Certificate => "certificate",
            Kind::SmimeVerification => "smime_verification",
            Kind::SmimeRequest => "smime_request",
            Kind::SmimeCollection => "smime_collection",
        }
    }

    /// Without this variable's value in its text the mail would be no use.
    fn needs(self) -> &'static str {
        match self {
            Kind::Dcv | Kind::SmimeVerification => "code",
            Kind::Certificate => "pem",
            Kind::SmimeRequest | Kind::SmimeCollection => "link",
        }
    }

    /// Values to try a template with.
    pub(super) fn sample(self) -> Value {
        match self {
            Kind::Dcv => context! {
                order => 10_000_000, domain => "example.com", names => ["www.example.com"],
                more_names => 0, address => "admin@example.com", code => "0123456789abcdef-SAMPLE",
                link => "https://ca.example.net/c", reject_link => "https://ca.example.net/r",
                brand => "Sample", expires => "2030-01-01 00:00 UTC",
            },
            Kind::SmimeVerification => context! {
                order => 10_000_000, product => "Sample", mailbox => "someone@example.com",
                code => "0123456789abcdef-SAMPLE", link => "https://ca.example.net/c",
                brand => "Sample", expires => "2030-01-01 00:00 UTC",
            },
            Kind::SmimeRequest => context! {
                order => 10_000_000, product => "Sample", mailbox => "someone@example.com",
                link => "https://ca.example.net/c", brand => "Sample",
            },
            Kind::SmimeCollection => context! {
                order => 10_000_000, product => "Sample", mailbox => "someone@example.com",
                link => "https://ca.example.net/c", brand => "Sample", issued => true,
                not_before => "2030-01-01", not_after => "2030-12-31",
            },
            Kind::Certificate => context! {
                order => 10_000_000, product => "Sample", name => "www.example.com",
                pem => "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
                not_before => "2030-01-01", not_after => "2030-04-01", zip_name => "sample.zip",
                brand => "Sample",
            },
        }
    }
}

/// Why a template cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadTemplate {
    /// A part is longer than 64 KiB.
    #[error("a template is at most 64 KiB")]
    TooLong,
    /// Something else than variables, `if`, `for` and comments.
    #[error("only variables, if and for are allowed in a template: {0}")]
    Language(String),
    /// It does not render: an unknown variable, an unclosed block, too many loops.
    #[error("the template does not render: {0}")]
    Render(String),
    /// The text lacks what the mail is sent for.
    #[error("the template's text must show {{{{ {0} }}}}")]
    Lacks(&'static str),
}

/// Tries a template with sample values: what is refused here would be replaced by the built-in text when a mail is
/// composed.
///
/// # Errors
/// The first reason found.
pub fn check(kind: Kind, template: &Template) -> Result<(), BadTemplate> {
    render(kind, template, &kind.sample()).map(drop)
}

/// Renders a template.
pub(super) fn render(kind: Kind, t: &Template, vars: &Value) -> Result<Rendered, BadTemplate> {
    let mut env = bare_environment();
    env.set_fuel(Some(FUEL));
    let rendered = Rendered {
        subject: part(&env, "subject", &t.subject, vars)?,
        text: part(&env, "text", &t.text, vars)?,
        html: part(&env, "text.html", &t.html, vars)?,
    };
    let needed = vars.get_attr(kind.needs()).unwrap_or_default().to_string();
    if rendered.text.contains(needed.trim()) {
        Ok(rendered)
    } else {
        Err(BadTemplate::Lacks(kind.needs()))
    }
}

fn part(env: &Environment, name: &str, source: &str, vars: &Value) -> Result<String, BadTemplate> {
    if source.len() > MAX_LEN {
        return Err(BadTemplate::TooLong);
    }
    only_simple(source)?;
    let failed = |e: Error| BadTemplate::Render(e.to_string());
    let mut out = Bounded(Vec::new());
    env.template_from_named_str(name, source)
        .and_then(|t| t.render_captured_to(vars, &mut out).map(drop))
        .map_err(failed)?;
    Ok(String::from_utf8_lossy(&out.0).into_owned())
}

/// Walks over the tags. As no quote is allowed within one, the first closing mark is where it ends for minijinja too.
fn only_simple(source: &str) -> Result<(), BadTemplate> {
    let refuse = |tag: &str| Err(BadTemplate::Language(tag.chars().take(60).collect()));
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let close = match rest.get(..2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        let Some(end) = rest[2..].find(close) else { return refuse(rest) };
        let (tag, after) = (&rest[2..2 + end], &rest[2 + end + 2..]);
        let fits = match close {
            "}}" => is_simple(tag),
            "%}" => is_simple(tag) && is_allowed_block(tag),
            _ => true,
        };
        if !fits {
            return refuse(tag);
        }
        rest = after;
    }
    Ok(())
}

fn is_simple(tag: &str) -> bool {
    let tag = tag.strip_prefix('-').unwrap_or(tag);
    let tag = tag.strip_suffix('-').unwrap_or(tag);
    tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ' ' | '\n' | '\r'))
}

fn is_allowed_block(tag: &str) -> bool {
    let word = tag.trim_matches('-').split_whitespace().next().unwrap_or_default();
    ["if", "elif", "else", "endif", "for", "endfor"].contains(&word)
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUT {
            return Err(io::Error::other("the text becomes too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const MAX_LEN: usize = 64 * 1024;
const MAX_OUT: usize = 512 * 1024;
const FUEL: u64 = 50_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Template {
        Template { subject: "S".into(), text: text.into(), html: String::new() }
    }

    #[test]
    fn good_templates_pass() {
        for good in [
            "{{ code }}",
            "{{code}} { } {x} {# 'anything' #}",
            "{% if more_names %}{{ more_names }}{% else %}{%- for n in names -%}{{ n }},{% endfor %}{% endif %}\n{{ code }}",
        ] {
            assert_eq!(check(Kind::Dcv, &of(good)), Ok(()), "{good}");
        }
        assert_eq!(check(Kind::Certificate, &of("{{ product }} {{ pem }}")), Ok(()));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "no code here",
            "{{ code",
            "{{ code }} {{ unknown }}",
            "{{ code }} {{ \"x\" * 1000000 }}",
            "{{ code }} {{ code ~ code }}",
            "{{ code }} {{ code | upper }}",
            "{{ code }} {{ names[0] }}",
            "{% set x = code %}{{ code }}",
            "{% include \"x\" %}{{ code }}",
            "{% extends code %}{{ code }}",
            "{% raw %}{{ code }}{% endraw %}",
            "{% macro x %}{% endmacro %}{{ code }}",
            "{% if code %}{{ code }}",
            "{{ code }} {% raw %}{{ \"a\" }}{% endraw %}",
            "{%\u{a0}set x = 1 %}{{ code }}",
        ] {
            assert!(check(Kind::Dcv, &of(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn loops_run_out_of_fuel() {
        let deep = 20;
        let text = format!(
            "{}{{{{ code }}}}{}",
            "{% for a in names %}".repeat(deep),
            "{% endfor %}".repeat(deep)
        );
        let names = vec!["a.example.com"; 20];
        let vars = context! { code => "c", names };
        assert!(matches!(render(Kind::Dcv, &of(&text), &vars), Err(BadTemplate::Render(_))));
    }
}
