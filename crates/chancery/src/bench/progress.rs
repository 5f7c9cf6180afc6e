//! A line on standard error that says how far it is: rewritten on a terminal, a new one every five seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

pub struct Progress {
    word: &'static str,
    count: u64,
    shown: Duration,
    shown_count: u64,
    terminal: bool,
}

impl Progress {
    pub fn new(word: &'static str) -> Self {
        // NO_COLOR stands for plain output, and a line that is rewritten is not plain.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal() && !plain;
        Self { word, count: 0, shown: Duration::ZERO, shown_count: 0, terminal }
    }

    /// One more.
    pub fn one(&mut self, since: Duration) {
        self.count += 1;
        let every = Duration::from_secs(if self.terminal { 1 } else { 5 });
        if since < self.shown + every {
            return;
        }
        let rate = (self.count - self.shown_count) as f64 / (since - self.shown).as_secs_f64();
        let (seconds, word, count) = (since.as_secs(), self.word, self.count);
        let line = format!("{word}: {seconds:>4} s  {count:>8} orders  {rate:>7.0}/s");
        let mut err = std::io::stderr().lock();
        let _ = if self.terminal { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
        (self.shown, self.shown_count) = (since, self.count);
    }

    pub fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
