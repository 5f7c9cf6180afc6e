//! Layouts of mails: what stands where, for all languages. A place for a sentence is `[[name]]`; what is put into it may
//! hold variables, and the whole is a template.
//!
//! In the text part `[[name:]]` is a label with its colon, padded so that the values of its block stand below each other
//! (a block ends at an empty line), and `[[:]]` is as wide as these labels.

/// Sentences by name; the first of a name counts.
pub(super) type Sentences<'a> = [(&'static str, &'a str)];

/// A layout of a text part, or of a subject, with its places filled. A place without a sentence stays; a test refuses that.
pub(super) fn text(layout: &str, sentences: &Sentences<'_>) -> String {
    let blocks = layout.split("\n\n").map(|block| text_block(block, sentences));
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn text_block(block: &str, sentences: &Sentences<'_>) -> String {
    let label = |name: &str| match (find(name, sentences), find("colon", sentences)) {
        (Some(words), Some(colon)) => format!("{words}{colon}"),
        _ => String::new(),
    };
    let places = block.split("[[").skip(1).filter_map(|rest| rest.split_once(":]]"));
    let width = places.map(|(name, _)| columns(&label(name))).max().unwrap_or_default() + GAP;
    put(block, |place| match place.strip_suffix(':') {
        Some(name) => {
            let label = label(name);
            let blanks = " ".repeat(width.saturating_sub(columns(&label)));
            Some(label + &blanks)
        }
        None => find(place, sentences).map(str::to_owned),
    })
}

/// A layout of an HTML part with its places filled, each sentence on one line unless it was written for HTML.
pub(super) fn html(layout: &str, sentences: &Sentences<'_>) -> String {
    put(layout, |place| {
        let sentence = find(place, sentences)?;
        Some(if place.ends_with("_html") { sentence.to_owned() } else { one_line(sentence) })
    })
}

fn find<'a>(name: &str, sentences: &Sentences<'a>) -> Option<&'a str> {
    sentences.iter().find(|(known, _)| *known == name).map(|(_, sentence)| *sentence)
}

fn put(layout: &str, say: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(2 * layout.len());
    let mut rest = layout;
    while let Some((before, after)) = rest.split_once("[[") {
        out.push_str(before);
        let said = after.split_once("]]").and_then(|(place, after)| Some((say(place)?, after)));
        let (words, after) = said.unwrap_or_else(|| ("[[".to_owned(), after));
        out.push_str(&words);
        rest = after;
    }
    out + rest
}

/// Lines joined by blanks; by nothing where Chinese or Japanese punctuation brings its own.
fn one_line(sentence: &str) -> String {
    sentence.lines().fold(String::with_capacity(sentence.len()), |mut out, line| {
        if !out.is_empty() && !out.ends_with(['，', '。', '、', '：', '；']) {
            out.push(' ');
        }
        out + line
    })
}

/// How wide a text is where letters are of one width: those of East Asia are twice as wide.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{2e80}' { 2 } else { 1 }).sum()
}

const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCES: &Sentences<'_> =
        &[("colon", ":"), ("a", "Order"), ("b", "名前"), ("c", "one\ntwo"), ("d_html", "x\ny")];

    #[test]
    fn labels_of_a_block_are_of_one_width() {
        let layout = "[[a:]]{{ x }}\n[[b:]]y\n[[:]]z\n\n[[b:]]y\n[[c]]\n";
        let wanted = "Order:  {{ x }}\n名前:   y\n        z\n\n名前:  y\none\ntwo\n";
        assert_eq!(text(layout, SENTENCES), wanted);
    }

    #[test]
    fn html_has_a_sentence_on_a_line() {
        assert_eq!(html("<p>[[c]] [[d_html]]</p>", SENTENCES), "<p>one two x\ny</p>");
        assert_eq!(one_line("一，\n二"), "一，二");
    }

    #[test]
    fn what_has_no_sentence_stays() {
        assert_eq!(html("[[e]] [[a", SENTENCES), "[[e]] [[a");
    }
}
