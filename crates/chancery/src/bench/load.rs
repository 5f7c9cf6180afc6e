//! The load: lanes that each bring one order after another through.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::Client;
use http::uri::PathAndQuery;

use super::orders::{Maker, Prepared};
use super::progress::Progress;

/// How far orders are brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    Place,
    Road,
    Smime,
}

impl What {
    pub fn word(self) -> &'static str {
        match self {
            What::Place => "place-only",
            What::Road => "road",
            What::Smime => "S/MIME",
        }
    }
}

/// When a phase ends.
#[derive(Clone, Copy)]
pub enum End {
    /// With the orders that were made; all of it is measured.
    Orders,
    /// After a time; orders under way are brought to their end and not counted.
    After { warm_up: Duration, measured: Duration },
}

/// Where the calls go.
pub struct Paths {
    pub place: PathAndQuery,
    pub collect: PathAndQuery,
    pub nudge: PathAndQuery,
}

pub fn paths() -> anyhow::Result<Paths> {
    Ok(Paths {
        place: client::path("AutoApplySSL")?,
        collect: client::path("CollectSSL")?,
        nudge: client::path("AutoUpdateDCV")?,
    })
}

/// A phase that was run.
pub struct Done {
    pub what: What,
    /// The time that counts.
    pub measured: Duration,
    /// What was placed and collected in that time.
    pub placed_in_time: u64,
    pub issued_in_time: u64,
    /// Certificates (or orders, in place-only) second by second.
    pub by_second: Vec<u64>,
    /// Microseconds.
    pub place: Vec<u32>,
    pub collect: Vec<u32>,
    pub order_to_certificate: Vec<u32>,
    /// Answers that said: not yet.
    pub early: u64,
    pub highest: u64,
    /// Index of the order in the batch, and its number.
    pub placed: Vec<(usize, u64)>,
    /// Number and fingerprint of each certificate.
    pub collected: Vec<(u64, u64)>,
    /// Whole answers for the check: number, login, answer.
    pub samples: Vec<(u64, usize, Bytes)>,
    pub batch: Rc<Vec<Prepared>>,
}

/// A phase in the making.
pub struct Load<'a> {
    client: Rc<Client>,
    maker: &'a Maker,
    batch: Rc<Vec<Prepared>>,
    lanes: usize,
}

/// What the lanes share; all of them run on one thread.
pub struct Shared {
    next: usize,
    start: Instant,
    from: Instant,
    until: Option<Instant>,
    pub pause: Pause,
    done: Done,
    progress: Progress,
}

/// How long to wait before asking: about as long as seven of eight certificates took lately.
pub struct Pause(f64);

impl Pause {
    pub fn first(&self) -> Duration {
        Duration::from_secs_f64(self.0)
    }

    pub fn again(&self) -> Duration {
        Duration::from_secs_f64((self.0 / 4.0).clamp(0.002, 0.25))
    }

    /// By steps that do not grow: all that are in flight may be early at once because the disk rested for a moment, and
    /// who then waits for seconds measures his own waiting.
    pub fn learn(&mut self, early: bool) {
        self.0 = (self.0 + if early { 7.0 * STEP } else { -STEP }).clamp(0.002, 5.0);
    }
}

/// Seconds.
const STEP: f64 = 0.000_03;

type Lane = Rc<RefCell<Shared>>;

impl<'a> Load<'a> {
    pub fn new(
        client: Rc<Client>,
        maker: &'a Maker,
        batch: impl Into<Rc<Vec<Prepared>>>,
        lanes: usize,
    ) -> Self {
        Self { client, maker, batch: batch.into(), lanes: lanes.max(1) }
    }

    /// Runs a phase.
    pub async fn run(self, what: What, end: End, word: &'static str) -> anyhow::Result<Done> {
        let shared = shared_as(what, end, word, self.batch.clone());
        let paths = paths()?;
        let lanes = (0..self.lanes).map(|_| self.lane(&shared, &paths, what));
        futures_util::future::try_join_all(lanes).await?;
        Self::ended(shared)
    }

    /// Brings orders that were placed to their end.
    pub async fn finish(self, orders: Vec<(usize, u64)>, nudge: bool) -> anyhow::Result<Done> {
        let shared = shared_as(What::Road, End::Orders, "bringing to an end", self.batch.clone());
        let paths = paths()?;
        let queue = RefCell::new(orders.into_iter());
        let lanes = (0..self.lanes).map(async |_| -> anyhow::Result<()> {
            loop {
                let next = queue.borrow_mut().next();
                let Some((index, order)) = next else { return Ok(()) };
                let login = self.batch[index].login;
                if nudge {
                    let form = self.maker.nudge_form(login, order);
                    // An order that was proven meanwhile says no; collecting it tells.
                    self.client.send(&paths.nudge, form).await?;
                }
                self.collect(&shared, &paths, login, order, Instant::now()).await?;
            }
        });
        futures_util::future::try_join_all(lanes).await?;
        Self::ended(shared)
    }

    pub fn ended(shared: Lane) -> anyhow::Result<Done> {
        let shared = Rc::into_inner(shared).map(RefCell::into_inner);
        let mut shared = shared.ok_or_else(|| anyhow::anyhow!("a lane is still at work"))?;
        let now = Instant::now();
        let end = shared.until.map_or(now, |until| until.min(now));
        shared.done.measured = end.saturating_duration_since(shared.from);
        shared.progress.end();
        Ok(shared.done)
    }

    async fn lane(&self, shared: &Lane, paths: &Paths, what: What) -> anyhow::Result<()> {
        loop {
            let Some(index) = shared.borrow_mut().next_of(self.batch.len()) else { return Ok(()) };
            let order = &self.batch[index];
            let begun = Instant::now();
            let (answer, took) = self.client.send_timed(&paths.place, order.form.clone()).await?;
            let number = order_number(&answer)?;
            shared.borrow_mut().was_placed(index, number, (begun, took));
            if what == What::Road {
                self.collect(shared, paths, order.login, number, begun).await?;
            }
        }
    }

    async fn collect(
        &self,
        shared: &Lane,
        paths: &Paths,
        login: usize,
        order: u64,
        begun: Instant,
    ) -> anyhow::Result<()> {
        let mut pause = shared.borrow().pause.first();
        for attempt in 0.. {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            let form = self.maker.collect_form(login, order);
            let (answer, took) = self.client.send_timed(&paths.collect, form).await?;
            let early = match code(&answer) {
                // Waiting, or being signed.
                Some(0 | -26) => true,
                Some(2) => false,
                _ => anyhow::bail!("order {order}: {}", String::from_utf8_lossy(&answer)),
            };
            let mut shared = shared.borrow_mut();
            shared.was_asked((asked, took), early);
            if attempt == 0 {
                shared.pause.learn(early);
            }
            if !early {
                return shared.was_collected(order, login, begun, answer);
            }
            anyhow::ensure!(
                begun.elapsed() < Duration::from_secs(600),
                "order {order} has no certificate after ten minutes"
            );
            pause = shared.pause.again();
        }
        Ok(())
    }
}

/// What the lanes of a phase share, under the phase's own word.
pub fn shared(what: What, end: End, batch: Rc<Vec<Prepared>>) -> Lane {
    shared_as(what, end, what.word(), batch)
}

fn shared_as(what: What, end: End, word: &'static str, batch: Rc<Vec<Prepared>>) -> Lane {
    let start = Instant::now();
    let (from, until) = match end {
        End::Orders => (start, None),
        End::After { warm_up, measured } => (start + warm_up, Some(start + warm_up + measured)),
    };
    let done = Done {
        what,
        measured: Duration::ZERO,
        placed_in_time: 0,
        issued_in_time: 0,
        by_second: Vec::new(),
        place: Vec::new(),
        collect: Vec::new(),
        order_to_certificate: Vec::new(),
        early: 0,
        highest: 0,
        placed: Vec::new(),
        collected: Vec::new(),
        samples: Vec::new(),
        batch,
    };
    let progress = Progress::new(word);
    let pause = Pause(0.03);
    Rc::new(RefCell::new(Shared { next: 0, start, from, until, pause, done, progress }))
}

impl Shared {
    /// The next order of so many, unless it is over.
    pub fn next_of(&mut self, count: usize) -> Option<usize> {
        let over = self.until.is_some_and(|until| Instant::now() >= until);
        if over || self.next == count {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Whether something that began and ended at these moments counts.
    fn counts(&self, begun: Instant, now: Instant) -> bool {
        begun >= self.from && self.until.is_none_or(|until| now < until)
    }

    fn in_time(&self, now: Instant) -> bool {
        now >= self.from && self.until.is_none_or(|until| now < until)
    }

    fn tick(&mut self, now: Instant) {
        if self.in_time(now) {
            let second = now.duration_since(self.from).as_secs();
            let second = usize::try_from(second).unwrap_or_default();
            if self.done.by_second.len() <= second {
                self.done.by_second.resize(second + 1, 0);
            }
            self.done.by_second[second] += 1;
        }
        self.progress.one(now.duration_since(self.start));
    }

    /// `call`: when it was wanted, and how long it took once it had a connection.
    pub fn was_placed(&mut self, index: usize, number: u64, call: (Instant, Duration)) {
        let now = Instant::now();
        if self.counts(call.0, now) {
            self.done.place.push(micros(call.1));
        }
        self.done.placed_in_time += u64::from(self.in_time(now));
        self.done.highest = self.done.highest.max(number);
        self.done.placed.push((index, number));
        if self.done.what == What::Place {
            self.tick(now);
        }
    }

    pub fn was_asked(&mut self, call: (Instant, Duration), early: bool) {
        let now = Instant::now();
        if self.counts(call.0, now) {
            self.done.collect.push(micros(call.1));
            self.done.early += u64::from(early);
        }
    }

    pub fn was_collected(
        &mut self,
        order: u64,
        login: usize,
        begun: Instant,
        answer: Bytes,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        if self.counts(begun, now) {
            self.done.order_to_certificate.push(micros(now - begun));
        }
        self.done.issued_in_time += u64::from(self.in_time(now));
        self.tick(now);
        let leaf = match self.done.what {
            What::Smime => super::smime::leaf(&answer),
            What::Place | What::Road => leaf(&answer),
        };
        let leaf = leaf.ok_or_else(|| anyhow::anyhow!("order {order}: no leaf"))?;
        self.done.collected.push((order, fingerprint(leaf)));
        if self.done.collected.len() % SAMPLE == 1 {
            self.done.samples.push((order, login, answer));
        }
        Ok(())
    }
}

/// One in so many answers is kept for the check.
const SAMPLE: usize = 500;

fn micros(took: Duration) -> u32 {
    u32::try_from(took.as_micros()).unwrap_or(u32::MAX)
}

fn code(answer: &[u8]) -> Option<i64> {
    let rest = answer.strip_prefix(b"errorCode=")?;
    let end = rest.iter().position(|b| *b == b'&').unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()?.trim().parse().ok()
}

pub fn order_number(answer: &[u8]) -> anyhow::Result<u64> {
    let told = || anyhow::anyhow!("an order was refused: {}", String::from_utf8_lossy(answer));
    let rest = answer.strip_prefix(b"errorCode=0&orderNumber=").ok_or_else(told)?;
    let end = rest.iter().position(|b| *b == b'&').unwrap_or(rest.len());
    let number = std::str::from_utf8(&rest[..end]).ok().and_then(|n| n.parse().ok());
    number.ok_or_else(told)
}

/// The end-entity certificate in an answer, as it is written there: the last pair.
pub fn leaf(answer: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"&certificate=";
    let at = answer.windows(KEY.len()).rposition(|window| window == KEY)? + KEY.len();
    let rest = &answer[at..];
    let end = rest.iter().position(|b| *b == b'&').unwrap_or(rest.len());
    Some(&rest[..end])
}

fn fingerprint(leaf: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(leaf);
    hasher.finish()
}
