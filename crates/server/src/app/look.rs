//! One look for the proofs of an order: which questions are asked, how many, how many at a time, for how long, and what
//! is kept of the answers. An order takes no more of what all orders share than its part, however its names are built.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::dcv::{Challenge, RequestToken};
use domain::evidence::{Answer, Evidence, Question};
use domain::proof::Control;
use domain::time::Time;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};
use store::evidence::EvidenceLine;
use store::names::RequestName;
use tokio::time::{Instant, timeout_at};

use super::evidence_lines::{answer_words, evidence_line};
use super::validate::challenge;
use crate::house::House;

/// Questions of one look.
const QUESTIONS: usize = 1_000;
/// Questions for one name in one look.
const OF_NAME: usize = 10;
/// Questions at a time: a quarter of what goes out over all.
const AT_A_TIME: usize = 32;

/// A look under way: its answers, and how much it may still ask.
pub struct Look<'a> {
    house: &'a Arc<House>,
    now: Time,
    until: Instant,
    left: usize,
    answers: HashMap<Question, Evidence>,
}

/// What a look has found for a name.
pub struct Found {
    /// The name's position.
    pub position: i64,
    /// For the record.
    pub lines: Vec<EvidenceLine>,
    /// Control, if it was shown.
    pub control: Option<Control>,
}

/// A name with what would show control of it.
struct Wanted<'n> {
    name: &'n RequestName,
    challenge: Challenge,
    questions: Vec<Question>,
    met: Option<usize>,
}

impl<'a> Look<'a> {
    /// Begins now, and ends after so long.
    #[must_use]
    pub fn new(house: &'a Arc<House>, now: Time, within: Duration) -> Self {
        let until = Instant::now() + within;
        Self { house, now, until, left: QUESTIONS, answers: HashMap::new() }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Asks for these names: of each in turn the best question that is left, until it is shown or nothing may be asked any
    /// more. What several names have in common is asked once.
    pub async fn at(&mut self, names: Vec<&RequestName>, token: &RequestToken) -> Vec<Found> {
        let mut wanted: Vec<Wanted<'_>> = names
            .into_iter()
            .filter_map(|name| {
                let challenge = challenge(name, token)?;
                let questions = challenge.questions(&name.name);
                Some(Wanted { name, challenge, questions, met: None })
            })
            .collect();
        self.share(&mut wanted);
        let rounds = wanted.iter().map(|w| w.questions.len()).max().unwrap_or_default();
        for round in 0..rounds {
            let open = wanted.iter().filter(|w| w.met.is_none());
            let asked = open.filter_map(|w| w.questions.get(round));
            self.ask(asked.cloned().collect()).await;
            for one in &mut wanted {
                let seen = one.questions.get(round).and_then(|q| self.answers.get(q));
                let suffixes = &self.house.rules.token_suffixes;
                if one.met.is_none() && seen.is_some_and(|s| one.challenge.is_met_by(s, suffixes)) {
                    one.met = Some(round);
                }
            }
        }
        wanted.iter().map(|one| self.found(one)).collect()
    }

    /// Gives each name its part of what may be asked. Where that is not all, other questions get their turn the next time.
    fn share(&self, wanted: &mut [Wanted<'_>]) {
        let turn = || {
            let mut bytes = [0; 4];
            self.house.chance.fill(&mut bytes);
            u32::from_be_bytes(bytes) as usize
        };
        for one in wanted.iter_mut() {
            one.questions = part(std::mem::take(&mut one.questions), OF_NAME, turn());
        }
        let all: HashSet<&Question> = wanted.iter().flat_map(|w| &w.questions).collect();
        if all.len() <= self.left {
            return;
        }
        let each = (self.left / wanted.len().max(1)).max(1);
        let first = turn();
        let count = wanted.len();
        for (i, one) in wanted.iter_mut().enumerate() {
            let its_turn = (i + first) % count < self.left / each;
            let most = if its_turn { each } else { 0 };
            one.questions = part(std::mem::take(&mut one.questions), most, turn());
        }
    }

    async fn ask(&mut self, questions: HashSet<Question>) {
        let new: Vec<Question> = questions
            .into_iter()
            .filter(|q| !self.answers.contains_key(q))
            .take(self.left)
            .collect();
        self.left -= new.len();
        let (house, now, until) = (self.house, self.now, self.until);
        let answers = futures_util::stream::iter(new).map(|question| async move {
            match timeout_at(until, house.asker.ask(&question, now)).await {
                Ok(seen) => seen,
                Err(_) => late(question, now),
            }
        });
        let mut answers = std::pin::pin!(answers.buffer_unordered(AT_A_TIME));
        while let Some(seen) = answers.next().await {
            self.answers.insert(seen.question.clone(), seen);
        }
    }

    fn found(&self, one: &Wanted<'_>) -> Found {
        let name = one.name;
        let seen: Vec<&Evidence> =
            one.questions.iter().filter_map(|q| self.answers.get(q)).collect();
        let shown = one.met.and_then(|round| seen.get(round)).copied();
        let in_vain = &seen[..one.met.unwrap_or(seen.len()).min(seen.len())];
        let mut lines: Vec<EvidenceLine> = condensed(name, in_vain).into_iter().collect();
        lines.extend(shown.map(|seen| evidence_line(&name.name, name.method, seen, true)));
        let control = shown.map(|seen| Control {
            shown_for: seen.question.proves(),
            method: name.method,
            at: self.now,
        });
        Found { position: name.position, lines, control }
    }
}

fn late(question: Question, now: Time) -> Evidence {
    let answer = Answer::Failed("no answer before the end of the look".to_owned());
    Evidence { question, answer, at: now, via: String::new() }
}

/// So many of a name's questions: the best, those at the shortest names, where proofs are most often, and one of the others
/// in turn.
fn part(mut questions: Vec<Question>, most: usize, turn: usize) -> Vec<Question> {
    let count = questions.len();
    if count <= most {
        return questions;
    }
    let last = most / 2;
    let one = usize::from(most >= 3);
    let first = most - last - one;
    let between = count - first - last;
    let chosen = first + turn % between;
    let mut at = 0..count;
    questions.retain(|_| {
        let at = at.next().unwrap_or_default();
        at < first || at >= count - last || (one == 1 && at == chosen)
    });
    questions
}

/// What was asked in vain for a name, in one line.
fn condensed(name: &RequestName, seen: &[&Evidence]) -> Option<EvidenceLine> {
    let (first, others) = seen.split_first()?;
    let mut line = evidence_line(&name.name, name.method, first, false);
    if others.is_empty() {
        return Some(line);
    }
    let (mut nowhere, mut answers, mut failed) = (Vec::new(), Map::new(), false);
    for one in seen {
        let place = one.question.proves().to_string();
        if one.answer == Answer::NotThere {
            nowhere.push(place);
        } else {
            let (words, is_failure) = answer_words(&one.answer);
            failed |= is_failure;
            answers.insert(place, words);
        }
    }
    line.question = format!("{} and for {} parents", line.question, others.len());
    line.outcome = if failed { "failed" } else { "not_shown" }.to_owned();
    answers.insert("not_there".to_owned(), json!(nowhere));
    line.answer = Value::Object(answers).to_string();
    Some(line)
}

#[cfg(test)]
mod tests {
    use domain::dcv::DcvMethod;
    use domain::names::CertName;

    use super::*;

    fn questions(count: usize) -> Vec<Question> {
        let question = |i| Question::Txt {
            owner: format!("_pki-validation.n{i}.example.com"),
            adn: format!("n{i}.example.com").parse().unwrap(),
        };
        (0..count).map(question).collect()
    }

    fn places(questions: &[Question]) -> Vec<String> {
        let place = |q: &Question| q.proves().to_string().replace(".example.com", "");
        questions.iter().map(place).collect()
    }

    #[test]
    fn a_part_has_the_best_the_shortest_and_each_other_in_turn() {
        assert_eq!(part(questions(4), 4, 9).len(), 4);
        assert_eq!(places(&part(questions(42), 4, 0)), ["n0", "n1", "n40", "n41"]);
        assert_eq!(places(&part(questions(42), 4, 38)), ["n0", "n39", "n40", "n41"]);
        assert_eq!(places(&part(questions(42), 2, 5)), ["n0", "n41"]);
        assert_eq!(places(&part(questions(42), 1, 5)), ["n0"]);
        assert!(part(questions(42), 0, 5).is_empty());
        let all: HashSet<Question> =
            (0..42).flat_map(|turn| part(questions(42), 4, turn)).collect();
        assert_eq!(all.len(), 42);
    }

    #[test]
    fn what_was_asked_in_vain_is_one_line() {
        let name = RequestName {
            position: 0,
            name: "a.b.example.com".parse::<CertName>().unwrap(),
            implicit: false,
            method: DcvMethod::DnsTxtRandomValue,
            address: None,
            address_for: None,
            template: None,
            random: None,
            shown: None,
        };
        let answers = [
            Answer::NotThere,
            Answer::Txt(vec!["other".into()]),
            Answer::Failed("SERVFAIL".into()),
        ];
        let at = Time::from_secs(1);
        let seen: Vec<Evidence> = questions(3)
            .into_iter()
            .zip(answers)
            .map(|(question, answer)| Evidence { question, answer, at, via: "dns".into() })
            .collect();
        let seen: Vec<&Evidence> = seen.iter().collect();
        let line = condensed(&name, &seen).unwrap();
        assert_eq!(line.outcome, "failed");
        assert_eq!(line.question, "_pki-validation.n0.example.com. TXT and for 2 parents");
        let answer: Value = serde_json::from_str(&line.answer).unwrap();
        let wanted = json!({
            "not_there": ["n0.example.com"],
            "n1.example.com": { "txt": ["other"] },
            "n2.example.com": { "failed": "SERVFAIL" },
        });
        assert_eq!(answer, wanted);
        assert_eq!(condensed(&name, &seen[..2]).unwrap().outcome, "not_shown");
        let single = evidence_line(&name.name, name.method, seen[0], false);
        assert_eq!(condensed(&name, &seen[..1]), Some(single));
        assert_eq!(condensed(&name, &[]), None);
    }
}
