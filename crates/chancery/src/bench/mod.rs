//! `chancery bench`: how fast whole real orders go through a server, from the outside.
//!
//! Not a test: nothing fails for being slow. Every order is placed over HTTPS, proven by the CNAME that its request
//! asks for, issued, collected; what comes back is checked. The load generator shares the machine with the server and
//! therefore does as little as it can: requests are written beforehand, answers are looked at with a few comparisons.

mod accounts;
mod figures;
mod load;
mod machine;
mod orders;
mod postgres;
mod progress;
mod proofs;
mod server_process;
mod smime;
mod verify;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use client::{Client, Trust};

use figures::{PhaseFigures, Report};
use load::{End, Load, What};
use machine::Usage;
use orders::{KeyKind, Maker};
use server_process::{Ready, ServerProcess};

/// Drive a server with whole real orders and print how fast they went through.
///
/// Without --ready it starts a sandbox of its own in a new folder and removes it afterwards.
#[derive(clap::Args)]
pub struct Arguments {
    /// Drive a running sandbox: the file with its ready line, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "database", "private_postgres"])]
    ready: Option<PathBuf>,
    /// The process number of that sandbox, for memory and CPU figures
    #[arg(long, value_name = "PID", requires = "ready")]
    pid: Option<u32>,
    /// The folder of the sandbox that is started; kept afterwards
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The database of the sandbox that is started: sqlite, or postgres://user@host/name
    #[arg(long, value_name = "URL", default_value = "sqlite")]
    database: String,
    /// Start a PostgreSQL of its own (Debian's package) and use that
    #[arg(long, conflicts_with = "database")]
    private_postgres: bool,
    /// Connections, kept open
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = at_least_one())]
    connections: usize,
    /// Orders between placing and collecting, at most
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = at_least_one())]
    in_flight: usize,
    /// How long each phase is measured
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How long each phase runs before it is measured
    #[arg(long, value_name = "N", default_value_t = 3)]
    warm_up: u64,
    /// Measure this many orders instead
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    orders: Option<usize>,
    /// Accounts that order, in turn; with 1 it is the sandbox's `reseller`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one())]
    accounts: usize,
    /// Keys of the requests
    #[arg(long, value_enum, default_value = "p256")]
    key: KeyKind,
    /// Bring the database to this many orders first; the server is started again then
    #[arg(long, value_name = "N", default_value_t = 0)]
    fill: u64,
    /// What is measured
    #[arg(long, value_enum, default_value = "both")]
    only: Only,
    /// In the place-only phase: whether proofs are there when orders are placed, or only after the phase
    #[arg(long, value_enum, default_value = "after")]
    place_proofs: PlaceProofs,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Place,
    Road,
    /// Place and road
    Both,
    /// S/MIME: placed, the mailbox proven by its mail, collected
    Smime,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PlaceProofs {
    Before,
    After,
}

/// Orders that are made and brought through at a time while a database is filled.
const FILL_BATCH: usize = 20_000;
/// Orders a second that are made beforehand, per phase.
const MOST_PLACED: u64 = 10_000;
const MOST_ISSUED: u64 = 5_000;

fn at_least_one() -> impl clap::builder::TypedValueParser<Value = usize> {
    clap::builder::RangedU64ValueParser::<usize>::new().range(1..)
}

impl Arguments {
    /// When a phase ends.
    fn end(&self) -> End {
        match self.orders {
            Some(_) => End::Orders,
            None => End::After {
                warm_up: Duration::from_secs(self.warm_up),
                measured: Duration::from_secs(self.seconds),
            },
        }
    }
}

/// Runs.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let postgres = arguments.private_postgres.then(postgres::Private::start).transpose()?;
    let (dir, _tidy) = folder(arguments)?;
    let database = match &postgres {
        Some(postgres) => Some(postgres.address()),
        None if arguments.database == "sqlite" => None,
        None => Some(arguments.database.clone()),
    };
    let start = || ServerProcess::start(&dir, database.as_deref());
    let mut process = match &arguments.ready {
        Some(_) => None,
        None => Some(start()?),
    };
    let mut ready = match (&process, &arguments.ready) {
        (Some(process), _) => process.ready.clone(),
        (None, file) => Ready::read(file.as_deref().unwrap_or(Path::new("-")))?,
    };
    let stored = database.clone().unwrap_or_else(|| ready.sqlite().display().to_string());
    let logins = accounts::logins(&ready, &stored, arguments.accounts)?;
    let disk = match &postgres {
        Some(postgres) => Some(postgres.folder().to_owned()),
        None => ready.sqlite().exists().then(|| ready.dir()),
    };
    let syncs = || disk.as_deref().map(machine::sync_rate).transpose();
    let disk_before = syncs()?;
    let mut report = Report::new(arguments, database.is_some(), disk_before);
    let maker = Maker::new(arguments.key, logins)?;

    if arguments.fill > 0 {
        let seen = bench(&ready, &maker, arguments)?.fill(arguments.fill)?;
        eprintln!("filled: {seen} orders");
        if let Some(filled) = process.take() {
            filled.stop()?;
            let again = start()?;
            report.ready_ms_filled = Some(again.ready_ms);
            ready = again.ready.clone();
            process = Some(again);
        }
    }
    let pid = process.as_ref().map(ServerProcess::pid).or(arguments.pid);
    let mut bench = bench(&ready, &maker, arguments)?;
    if let Some(pid) = pid {
        eprintln!("server process {pid}");
    }
    for what in [What::Place, What::Road, What::Smime] {
        let wanted = match arguments.only {
            Only::Both => what != What::Smime,
            Only::Place => what == What::Place,
            Only::Road => what == What::Road,
            Only::Smime => what == What::Smime,
        };
        if wanted {
            report.phases.push(bench.measure(what, pid)?);
        }
    }
    report.samples_verified = bench.verify()?;
    report.orders_in_database = bench.highest.saturating_sub(9_999_999);
    drop(bench);
    report.disk_syncs_after = syncs()?;
    if let Some(process) = process {
        process.stop()?;
        let again = start()?;
        report.ready_ms_after = Some(again.ready_ms);
        again.stop()?;
    }
    report.print(arguments.json)
}

/// The folder of the server, and what removes it if it is ours.
fn folder(arguments: &Arguments) -> anyhow::Result<(PathBuf, Option<Tidy>)> {
    if let Some(dir) = &arguments.dir {
        return Ok((dir.clone(), None));
    }
    let dir = std::env::temp_dir().join(format!("chancery-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    Ok((dir.clone(), Some(Tidy(dir))))
}

struct Tidy(PathBuf);

impl Drop for Tidy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The load generator with its connections, and what it remembers for the check at the end.
struct Bench<'a> {
    runtime: tokio::runtime::Runtime,
    client: Rc<Client>,
    proofs: proofs::Proofs,
    maker: &'a Maker,
    arguments: &'a Arguments,
    ready: Ready,
    checked: verify::Checked,
    highest: u64,
}

fn bench<'a>(
    ready: &Ready,
    maker: &'a Maker,
    arguments: &'a Arguments,
) -> anyhow::Result<Bench<'a>> {
    // One thread: the load generator may not take more from the server than it must.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ca = std::fs::read(&ready.tls_ca)?;
    let connections = arguments.connections.max(1);
    let client = Client::with_connections(&ready.api, "", "", Trust::Pem(&ca), connections)?;
    Ok(Bench {
        runtime,
        client: Rc::new(client),
        proofs: proofs::Proofs::new(&ready.control)?,
        maker,
        arguments,
        ready: ready.clone(),
        checked: verify::Checked::default(),
        highest: 0,
    })
}

impl Bench<'_> {
    /// Brings whole orders through until the highest order number says that there are so many.
    fn fill(mut self, wanted: u64) -> anyhow::Result<u64> {
        let mut batch = self.maker.make(FILL_BATCH.min(usize::try_from(wanted)?))?;
        loop {
            self.runtime.block_on(self.proofs.publish(&batch))?;
            let maker = self.maker;
            // The next ones are made while these go through.
            let (done, next) = std::thread::scope(|scope| {
                let next = scope.spawn(|| maker.make(FILL_BATCH));
                let load = Load::new(self.client.clone(), maker, batch, self.arguments.in_flight);
                let done = self.runtime.block_on(load.run(What::Road, End::Orders, "filling"));
                (done, next.join())
            });
            let done = done?;
            self.highest = self.highest.max(done.highest);
            let there = self.highest.saturating_sub(9_999_999);
            self.checked.take(&done)?;
            if there >= wanted {
                self.verify()?;
                return Ok(there);
            }
            batch = next.map_err(|_| anyhow::anyhow!("making requests failed"))??;
            batch.truncate(usize::try_from(wanted - there)?);
        }
    }

    fn measure(&mut self, what: What, pid: Option<u32>) -> anyhow::Result<PhaseFigures> {
        let a = self.arguments;
        let most = if what == What::Place { MOST_PLACED } else { MOST_ISSUED };
        let count = match a.orders {
            Some(orders) => orders,
            None => usize::try_from(most * (a.seconds + a.warm_up))?,
        };
        eprintln!("{}: making {count} requests", what.word());
        if what == What::Smime {
            return self.measure_mail(count, pid);
        }
        let batch = self.maker.make(count)?;
        let proofs_first = what == What::Road || a.place_proofs == PlaceProofs::Before;
        if proofs_first {
            self.runtime.block_on(self.proofs.publish(&batch))?;
        }
        let end = a.end();
        let lanes = if what == What::Place { a.connections } else { a.in_flight };
        let before = pid.map(Usage::of).transpose()?;
        let own = Usage::of(std::process::id())?;
        let load = Load::new(self.client.clone(), self.maker, batch, lanes);
        let load_average = machine::load_average();
        // Those from before have rested while requests were made.
        self.runtime.block_on(self.client.warm(a.connections.max(1)))?;
        let done = self.runtime.block_on(load.run(what, end, what.word()))?;
        let after = pid.map(Usage::of).transpose()?;
        let own_after = Usage::of(std::process::id())?;
        self.highest = self.highest.max(done.highest);
        let (server, own) = (before.zip(after), (own, own_after));
        let figures = PhaseFigures::new(&done, server, own, load_average, proofs_first);
        if what == What::Place {
            self.finish(done, !proofs_first)?;
        } else {
            self.checked.take(&done)?;
        }
        Ok(figures)
    }

    /// The same of S/MIME orders.
    fn measure_mail(&mut self, count: usize, pid: Option<u32>) -> anyhow::Result<PhaseFigures> {
        let a = self.arguments;
        let batch = self.maker.make_mail(count)?;
        let before = pid.map(Usage::of).transpose()?;
        let own = Usage::of(std::process::id())?;
        let load = smime::MailLoad {
            client: self.client.clone(),
            maker: self.maker,
            batch,
            lanes: a.in_flight,
            control: &self.ready.control,
        };
        let load_average = machine::load_average();
        self.runtime.block_on(self.client.warm(a.connections.max(1)))?;
        let done = self.runtime.block_on(load.run(a.end()))?;
        let after = pid.map(Usage::of).transpose()?;
        let own_after = Usage::of(std::process::id())?;
        self.highest = self.highest.max(done.highest);
        let server = before.zip(after);
        let figures = PhaseFigures::new(&done, server, (own, own_after), load_average, false);
        self.checked.take(&done)?;
        Ok(figures)
    }

    /// Makes whole orders of those that were only placed.
    fn finish(&mut self, placed: load::Done, publish: bool) -> anyhow::Result<()> {
        let used: Vec<_> = placed.placed.iter().map(|(index, _)| *index).collect();
        if publish {
            self.runtime.block_on(self.proofs.publish_some(&placed.batch, &used))?;
        }
        let load =
            Load::new(self.client.clone(), self.maker, placed.batch, self.arguments.in_flight);
        let nudge = publish;
        let done = self.runtime.block_on(load.finish(placed.placed, nudge))?;
        self.checked.take(&done)
    }

    fn verify(&mut self) -> anyhow::Result<usize> {
        let samples = self.checked.samples();
        for (what, order, login, leaf) in &samples {
            let mail = *what == What::Smime;
            let (path, form) = match mail {
                true => {
                    let path = client::path("RequestAndCollectSMIME")?;
                    (path, self.maker.collect_mail_form(*login, *order))
                }
                false => (load::paths()?.collect, self.maker.collect_form(*login, *order)),
            };
            let answer = self.runtime.block_on(self.client.send(&path, form))?;
            match mail {
                true => {
                    anyhow::ensure!(answer == *leaf, "order {order} has another certificate now")
                }
                false => verify::same(*order, leaf, &answer)?,
            }
        }
        let (mails, servers): (Vec<_>, Vec<_>) =
            samples.into_iter().partition(|(what, ..)| *what == What::Smime);
        let bodies = |all: Vec<(What, u64, usize, Bytes)>| -> Vec<(u64, Bytes)> {
            all.into_iter().map(|(_, order, _, body)| (order, body)).collect()
        };
        let (mails, servers) = (bodies(mails), bodies(servers));
        verify::chains(&self.ready.roots, &servers)?;
        verify::mail_chains(&self.ready.roots, &mails)?;
        Ok(servers.len() + mails.len())
    }
}
