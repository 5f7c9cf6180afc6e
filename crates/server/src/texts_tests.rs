//! The tables of all languages are whole, and each is in its own language.

use std::collections::BTreeSet;

use super::*;

/// Nobody writes so many letters alike in two languages.
const LONG: usize = 12;

/// Words that no other language has.
const ENGLISH: [&str; 6] = ["the", "your", "with", "this", "has", "been"];

fn languages() -> impl Iterator<Item = Language> {
    Language::CODES.into_iter().filter_map(Language::from_code)
}

/// Every sentence of a language, by its table and name.
fn sentences(language: Language) -> Vec<(String, &'static str)> {
    let (mails, pages) = (mails(language), pages(language));
    let tables = [
        ("mail.common", mails.common.all()),
        ("mail.dcv", mails.dcv.all()),
        ("mail.certificate", mails.certificate.all()),
        ("mail.smime_verification", mails.smime_verification.all()),
        ("mail.smime_request", mails.smime_request.all()),
        ("mail.smime_collection", mails.smime_collection.all()),
        ("page.mailbox", pages.mailbox.all()),
        ("page.collection", pages.collection.all()),
    ];
    let named = |(table, all): (&str, Vec<(&'static str, &'static str)>)| {
        let table = table.to_owned();
        all.into_iter().map(move |(name, sentence)| (format!("{table}.{name}"), sentence))
    };
    tables.into_iter().flat_map(named).collect()
}

/// The variables and places of a sentence, and its words without them.
fn parted(sentence: &str) -> (BTreeSet<&str>, String) {
    let (mut places, mut words) = (BTreeSet::new(), String::new());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').expect("a closed brace");
        places.insert(place.trim_matches(['{', ' ']));
        words.push_str(before);
        rest = after.trim_start_matches('}');
    }
    (places, words + rest)
}

#[test]
fn every_table_reads() {
    for ((code, table), wanted) in TABLES.iter().zip(Language::CODES) {
        assert_eq!(*code, wanted);
        toml::from_str::<Texts>(table).unwrap_or_else(|e| panic!("{code}: {e}"));
    }
    assert_eq!(READ.len(), Language::CODES.len());
}

#[test]
fn every_sentence_says_what_the_english_one_says() {
    for language in languages() {
        let english = sentences(Language::default());
        for ((name, sentence), (_, english)) in sentences(language).into_iter().zip(english) {
            let name = format!("{} {name}", language.code());
            assert!(!sentence.trim().is_empty(), "{name}");
            assert_eq!(parted(sentence).0, parted(english).0, "{name}");
        }
    }
}

#[test]
fn every_sentence_is_translated() {
    for language in languages().filter(|language| *language != Language::default()) {
        let english = sentences(Language::default());
        for ((name, sentence), (_, english)) in sentences(language).into_iter().zip(english) {
            let (words, english) = (parted(sentence).1, parted(english).1);
            let copied = words == english && words.chars().count() > LONG;
            assert!(!copied, "{} {name}: {words}", language.code());
            let is_english = |word: &str| ENGLISH.contains(&word.to_lowercase().as_str());
            let left = words.split(|c: char| !c.is_alphabetic()).find(|word| is_english(word));
            assert_eq!(left, None, "{} {name}: {words}", language.code());
        }
    }
}

#[test]
fn sentences_of_pages_are_one_line_of_plain_text() {
    for language in languages() {
        for (name, sentence) in sentences(language) {
            if name.starts_with("page.") {
                assert!(!sentence.contains(['\n', '<', '>', '&']), "{} {name}", language.code());
            }
        }
    }
}

#[test]
fn places_are_filled() {
    assert_eq!(fill("{a}, {b} and {a}", &[("a", "x"), ("b", "y")]), "x, y and x");
}
