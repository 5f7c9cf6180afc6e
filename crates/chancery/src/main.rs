//! `chancery`: a certificate authority that people can order from.

mod sandbox_command;

use clap::{Parser, Subcommand};

/// A certificate authority that people can order from.
#[derive(Parser)]
#[command(name = "chancery", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything with a fake world around it: for integrators and tests
    Sandbox(sandbox_command::Arguments),
}

fn main() -> anyhow::Result<()> {
    start_log();
    match Cli::parse().command {
        Command::Sandbox(arguments) => sandbox_command::run(&arguments),
    }
}

/// Logs go to standard error, as `CHANCERY_LOG` says (`info` if it says nothing).
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("CHANCERY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
