//! Every mail in every language.

use minijinja::context;

use super::*;
use crate::mail::layouts::columns;

fn languages() -> impl Iterator<Item = Language> {
    Language::CODES.into_iter().filter_map(Language::from_code)
}

/// Every language and mail, with the sample and the other way that the mail can go.
fn every_mail() -> impl Iterator<Item = (Language, Kind, Value, Rendered)> {
    let kinds = || Kind::ALL.into_iter();
    let others = |kind: Kind| context! { more_names => 3, issued => false, ..kind.sample() };
    let vars = move |kind: Kind| [kind.sample(), others(kind)].map(|vars| (kind, vars));
    let mails = move |language| {
        let rendered = move |(kind, vars)| {
            let mail = render(kind, language, &vars);
            (language, kind, vars, mail)
        };
        kinds().flat_map(vars).map(rendered)
    };
    languages().flat_map(mails)
}

/// The words among a mail's variables.
fn values(vars: &Value) -> Vec<String> {
    let names = vars.try_iter().unwrap().map(|name| name.to_string());
    let values = names.map(|name| vars.get_attr(&name).unwrap());
    let words = values.flat_map(|value| match value.as_str() {
        Some(word) => vec![word.to_owned()],
        None => value
            .try_iter()
            .map(|all| all.map(|one| one.to_string()))
            .into_iter()
            .flatten()
            .collect(),
    });
    words.map(|word| word.trim().to_owned()).collect()
}

#[test]
fn every_text_parses() {
    assert!(BUILT_IN.get_template("frame.html").is_ok());
    for (language, kind, ..) in every_mail() {
        for (name, source) in templates_of(kind, language) {
            assert!(BUILT_IN.get_template(&name).is_ok(), "{name}");
            assert!(!source.contains("[[") && !source.contains("]]"), "{name}: {source}");
        }
    }
}

#[test]
fn every_text_renders() {
    for (language, kind, _, mail) in every_mail() {
        let name = format!("{} {kind:?}", language.code());
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.trim().is_empty(), "{name}");
            assert!(!part.contains(['{', '}']) || part.starts_with("<!doctype"), "{name}: {part}");
        }
        assert!(mail.subject.starts_with("ORDER #10000000 - "), "{name}: {}", mail.subject);
        assert!(!mail.subject.contains('\n'), "{name}");
        assert!(mail.html.contains(&format!("<html lang=\"{}\">", language.code())), "{name}");
        assert!(mail.html.trim_end().ends_with("</html>"), "{name}");
    }
}

#[test]
fn every_language_shows_what_english_shows() {
    for (language, kind, vars, mail) in every_mail() {
        let english = render(kind, Language::default(), &vars);
        for value in values(&vars) {
            for (part, english) in [
                (&mail.subject, &english.subject),
                (&mail.text, &english.text),
                (&mail.html, &english.html),
            ] {
                let shown = part.contains(&value) || !english.contains(&value);
                assert!(shown, "{} {kind:?}: {value} in {part}", language.code());
            }
        }
    }
}

#[test]
fn codes_links_and_certificates_are_on_lines_of_their_own() {
    for (language, kind, vars, mail) in every_mail() {
        for name in ["code", "link", "reject_link", "mailbox", "pem"] {
            let value = vars.get_attr(name).unwrap_or_default();
            let Some(value) = value.as_str().map(str::trim) else { continue };
            let alone = mail.text.contains(&format!("\n\n{value}\n"));
            assert!(alone, "{} {kind:?}: {name} in {}", language.code(), mail.text);
        }
    }
}

#[test]
fn every_sentence_has_a_place() {
    let english = texts::mails(Language::default());
    let places = |kind: Kind, name: &str| {
        let (text, html) = layouts_of(kind);
        let marks = [format!("[[{name}]]"), format!("[[{name}:]]")];
        [text, html, SUBJECT].iter().any(|layout| marks.iter().any(|mark| layout.contains(mark)))
    };
    for kind in Kind::ALL {
        for (name, _) in own_sentences(kind, english) {
            assert!(places(kind, name), "{kind:?} {name}");
        }
    }
    for (name, _) in english.common.all() {
        let placed = Kind::ALL.into_iter().any(|kind| places(kind, name));
        assert!(placed || name == "colon", "{name}");
    }
}

#[test]
fn lines_of_text_are_short_and_sentences_hold_no_html() {
    for (language, kind) in languages().flat_map(|l| Kind::ALL.map(|kind| (l, kind))) {
        for (name, sentence) in sentences_of(kind, language) {
            let about = format!("{} {kind:?} {name}", language.code());
            if name.ends_with("_html") {
                continue;
            }
            assert!(!sentence.contains(['<', '>', '&']), "{about}");
            // The tag would take the line's end with it.
            assert!(!sentence.ends_with("%}"), "{about}");
            for line in sentence.lines() {
                assert!(columns(line) <= 78 && line.trim_end() == line, "{about}: {line}");
            }
        }
    }
}

#[test]
fn html_is_escaped_and_links_stay_whole() {
    assert_eq!(escape("https://a/?x=1&y=<'\">"), "https://a/?x=1&amp;y=&lt;&#39;&quot;&gt;");
}

/// Programs that were written for these mails look for what they find here.
#[test]
fn the_english_request_for_confirmation_stays_as_it_is() {
    let vars = context! { more_names => 3, ..Kind::Dcv.sample() };
    assert_eq!(render(Kind::Dcv, Language::default(), &vars).text, DCV);
}

const DCV: &str = "\
Hello,

a certificate has been ordered from Sample for a name under example.com.
Somebody who answers for this domain has to agree before it can be issued,
and this address was chosen to ask.

Order:   #10000000
Domain:  example.com
Name:    www.example.com
         and 3 more

If the order is yours or you agree with it, open this page and press the
button there:

https://ca.example.net/c

The page asks for this validation code:

0123456789abcdef-SAMPLE

It can be used until 2030-01-01 00:00 UTC.

If you do not know about this order, do not use the code. You can decline
here, or simply ignore this mail, which by itself confirms nothing:

https://ca.example.net/r

This mail was sent to admin@example.com.

Sample
";
