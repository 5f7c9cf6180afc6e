//! What is told in the end.

use std::time::Duration;

use serde::Serialize;

use super::Arguments;
use super::load::{Done, What};
use super::machine::Usage;

/// Everything.
#[derive(Serialize)]
pub struct Report {
    database: &'static str,
    connections: usize,
    in_flight: usize,
    accounts: usize,
    key: String,
    pub phases: Vec<PhaseFigures>,
    /// None where the database's disk is another machine's.
    disk_syncs_before: Option<f64>,
    pub disk_syncs_after: Option<f64>,
    pub orders_in_database: u64,
    pub ready_ms_filled: Option<u64>,
    pub ready_ms_after: Option<u64>,
    pub samples_verified: usize,
}

/// A phase.
#[derive(Serialize)]
pub struct PhaseFigures {
    phase: &'static str,
    /// Whether the orders' proofs could be found while they were placed.
    proofs_published_before: bool,
    seconds: f64,
    orders_per_second: f64,
    certificates_per_second: f64,
    /// The median of the rates of single seconds, and the least and the most.
    by_second: Option<[u64; 3]>,
    place_ms: Times,
    collect_ms: Times,
    order_to_certificate_ms: Times,
    calls_per_order: f64,
    collected_too_early: u64,
    server: Option<Spent>,
    bench_cpu_seconds: f64,
    load_average_before: String,
}

/// What the server used in a phase, its warm-up and its end included.
#[derive(Serialize)]
struct Spent {
    cpu_seconds: f64,
    cpu_ms_per_order: f64,
    resident_before_mib: u64,
    resident_after_mib: u64,
    resident_peak_mib: u64,
}

/// Milliseconds.
#[derive(Serialize)]
struct Times {
    count: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

impl Times {
    fn of(micros: &[u32]) -> Self {
        let mut sorted = micros.to_vec();
        sorted.sort_unstable();
        let at = |share: f64| {
            let index = (sorted.len() as f64 * share) as usize;
            let found = sorted.get(index.min(sorted.len().saturating_sub(1)));
            found.map_or(0.0, |us| f64::from(*us) / 1_000.0)
        };
        Self { count: sorted.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    fn line(&self, what: &str) {
        let Self { count, p50, p99, max } = self;
        if *count > 0 {
            println!(
                "  {what:<24}{p50:>9.1} ms p50 {p99:>9.1} ms p99 {max:>9.1} ms max   n {count}"
            );
        }
    }
}

impl PhaseFigures {
    /// Of a phase, with what the server and the load generator had used before and after it.
    pub fn new(
        done: &Done,
        server: Option<(Usage, Usage)>,
        own: (Usage, Usage),
        load_average_before: String,
        proofs_published_before: bool,
    ) -> Self {
        let seconds = done.measured.as_secs_f64();
        let rate = |count: u64| count as f64 / seconds.max(0.001);
        let brought =
            if done.what == What::Place { done.placed.len() } else { done.collected.len() };
        let calls = done.place.len() + done.collect.len();
        let mut whole = done.by_second.clone();
        whole.pop(); // the last second may be a part of one
        whole.sort_unstable();
        let spent = |before: Usage, after: Usage| {
            let cpu = after.cpu.saturating_sub(before.cpu);
            Spent {
                cpu_seconds: cpu.as_secs_f64(),
                cpu_ms_per_order: cpu.as_secs_f64() * 1_000.0 / brought.max(1) as f64,
                resident_before_mib: before.resident_kib / 1_024,
                resident_after_mib: after.resident_kib / 1_024,
                resident_peak_mib: after.resident_peak_kib / 1_024,
            }
        };
        Self {
            phase: done.what.word(),
            proofs_published_before,
            seconds,
            orders_per_second: rate(done.placed_in_time),
            certificates_per_second: rate(done.issued_in_time),
            by_second: Some(&whole)
                .filter(|w| !w.is_empty())
                .map(|w| [w[w.len() / 2], w[0], w[w.len() - 1]]),
            place_ms: Times::of(&done.place),
            collect_ms: Times::of(&done.collect),
            order_to_certificate_ms: Times::of(&done.order_to_certificate),
            calls_per_order: calls as f64 / done.place.len().max(1) as f64,
            collected_too_early: done.early,
            server: server.map(|(before, after)| spent(before, after)),
            bench_cpu_seconds: cpu(own.0, own.1).as_secs_f64(),
            load_average_before,
        }
    }

    fn is_mail(&self) -> bool {
        self.phase == What::Smime.word()
    }

    fn print(&self) {
        println!();
        println!(
            "{} ({:.1} s measured, proven {}, load before {})",
            self.phase,
            self.seconds,
            match (self.is_mail(), self.proofs_published_before) {
                (true, _) => "by the code of each order's mail",
                (false, true) => "by records published before",
                (false, false) => "by records published afterwards",
            },
            self.load_average_before
        );
        println!("  orders placed           {:>9.0} /s", self.orders_per_second);
        if self.phase != What::Place.word() {
            println!("  certificates collected  {:>9.0} /s", self.certificates_per_second);
        }
        if let Some([median, least, most]) = self.by_second {
            println!("  second by second        {median:>9} /s median, {least} least, {most} most");
        }
        let [place, collect] = match self.is_mail() {
            true => ["!AutoApplyOrder", "RequestAndCollect…"],
            false => ["!AutoApplySSL", "CollectSSL"],
        };
        self.place_ms.line(place);
        self.collect_ms.line(collect);
        self.order_to_certificate_ms.line("order to certificate");
        println!(
            "  calls                   {:>9.2} per order, {} collected too early",
            self.calls_per_order, self.collected_too_early
        );
        if let Some(server) = &self.server {
            println!(
                "  server                  {:>9.1} s CPU, {:.3} ms per order; resident {} MiB before, {} after, {} at most",
                server.cpu_seconds,
                server.cpu_ms_per_order,
                server.resident_before_mib,
                server.resident_after_mib,
                server.resident_peak_mib
            );
        }
        println!("  load generator          {:>9.1} s CPU", self.bench_cpu_seconds);
    }
}

fn cpu(before: Usage, after: Usage) -> Duration {
    after.cpu.saturating_sub(before.cpu)
}

impl Report {
    pub fn new(arguments: &Arguments, postgres: bool, disk_syncs_before: Option<f64>) -> Self {
        use clap::ValueEnum as _;
        let key = arguments.key.to_possible_value();
        Self {
            database: if postgres { "PostgreSQL" } else { "SQLite" },
            connections: arguments.connections,
            in_flight: arguments.in_flight,
            accounts: arguments.accounts,
            key: key.map(|k| k.get_name().to_owned()).unwrap_or_default(),
            phases: Vec::new(),
            disk_syncs_before,
            disk_syncs_after: None,
            orders_in_database: 0,
            ready_ms_filled: None,
            ready_ms_after: None,
            samples_verified: 0,
        }
    }

    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!(
            "{}, {} connections, {} orders in flight at most, {} account(s), {} keys (a pool; another name and request in every order)",
            self.database, self.connections, self.in_flight, self.accounts, self.key
        );
        self.phases.iter().for_each(PhaseFigures::print);
        println!();
        match (self.disk_syncs_before, self.disk_syncs_after) {
            (Some(before), Some(after)) => {
                println!("  disk                    {before:>9.0} syncs/s before, {after:.0} after")
            }
            _ => println!(
                "  disk                    not measured: the database may be on another machine's"
            ),
        }
        println!("  orders in the database  {:>9}", self.orders_in_database);
        for (when, ms) in [("filled", self.ready_ms_filled), ("at the end", self.ready_ms_after)] {
            if let Some(ms) = ms {
                println!("  ready, {when:<17}{ms:>9} ms after the start");
            }
        }
        println!(
            "  every order has exactly one certificate; {} samples verified up to the root",
            self.samples_verified
        );
        Ok(())
    }
}
