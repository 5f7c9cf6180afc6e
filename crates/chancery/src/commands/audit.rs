//! `chancery audit`: the trail of events and its seals.

use anyhow::bail;
use server::operator::audit::{self, EventView, SealView};

use super::account::Page;
use crate::place::Place;
use crate::print;

/// Look at the audit trail, and verify its seals
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery audit verify --config chancery.toml
  chancery audit list --account shop --limit 20 --config chancery.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List events, newest first
    List {
        /// Only this account's: a login name
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Walk the chains of seals; exit with 1 when one is broken
    Verify {
        /// Only this account's: a login name
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let json = arguments.place.json;
    let office = arguments.place.office()?;
    match &arguments.command {
        Command::List { account, page } => {
            let found = audit::list(&office, account.as_deref(), page.before, page.limit)?;
            if json { print::json(&found) } else { print_events(&found) }
        }
        Command::Verify { account } => {
            let chains = audit::verify(&office, account.as_deref())?;
            if json {
                print::json(&chains)?;
            } else {
                print_chains(&chains)?;
            }
            match chains.iter().filter(|c| c.first_broken.is_some()).count() {
                0 => Ok(()),
                broken => bail!("{broken} of {} chains are broken", chains.len()),
            }
        }
    }
}

fn print_events(all: &[EventView]) -> anyhow::Result<()> {
    let row = |e: &EventView| {
        [
            e.event.to_string(),
            e.at.clone(),
            e.account.to_string(),
            print::or_nothing(e.order.as_ref()),
            e.kind.clone(),
            e.actor.clone(),
            e.detail.to_string(),
        ]
    };
    print::table(["Event", "When", "Account", "Order", "What", "Who", "More"], all.iter().map(row))
}

fn print_chains(all: &[SealView]) -> anyhow::Result<()> {
    let row = |c: &SealView| {
        let state = match c.first_broken {
            Some(event) => format!("broken at event {event}"),
            None => "whole".to_owned(),
        };
        [c.account.clone(), c.events.to_string(), c.sealed.to_string(), state]
    };
    print::table(["Account", "Events", "Sealed", "Chain"], all.iter().map(row))
}
