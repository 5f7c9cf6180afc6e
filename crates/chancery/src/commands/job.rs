//! `chancery job`: what was given up, looked at and tried again.

use serde_json::json;
use server::operator::jobs::{self, JobView};

use crate::place::Place;
use crate::print;

/// Look at jobs that were given up, and have them tried again
///
/// A mail is given up when its server refuses it for good, or has not taken it for two days.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery job list --config chancery.toml
  chancery job revive 4711 --config chancery.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List jobs that were given up, the oldest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only those after this number
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        after: i64,
    },
    /// Have a job tried again, at once and as often as a new one
    Revive {
        /// Its number
        job: i64,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let answers_json = arguments.place.json;
    let office = arguments.place.office()?;
    match &arguments.command {
        Command::List { limit, after } => {
            let all = jobs::given_up(&office, *after, *limit)?;
            if answers_json { print::json(&all) } else { print_list(&all) }
        }
        Command::Revive { job } => {
            jobs::revive(&office, *job)?;
            if answers_json {
                print::json(&json!({ "job": job, "state": "waiting" }))
            } else {
                print::line(&format!("Job {job} is tried again."))
            }
        }
    }
}

fn print_list(all: &[JobView]) -> anyhow::Result<()> {
    let row = |j: &JobView| {
        [
            j.job.to_string(),
            j.created_at.clone(),
            format!("{} {}", j.kind, j.subject),
            print::or_nothing(j.order.as_ref()),
            j.about.clone().unwrap_or_default(),
            j.tries.to_string(),
            j.last_error.clone(),
        ]
    };
    print::table(
        ["Job", "Since", "What", "Order", "About", "Tries", "Why not"],
        all.iter().map(row),
    )
}
