//! `chancery`: a certificate authority that people can order from.

mod bench;
mod commands;
mod place;
mod print;
mod sandbox_command;
mod secrets;
mod signals;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use commands::{
    account, audit, ceremony, certificate, config, job, order, product, serve, template,
};

/// A certificate authority that people can order from.
#[derive(Parser)]
#[command(name = "chancery", version, about, max_term_width = 100)]
#[command(after_help = "\
On a laptop or in CI:    chancery sandbox
As a CA of your own:     chancery config example > chancery.toml
                         chancery ceremony --config chancery.toml
                         chancery serve --config chancery.toml
                         chancery account create shop --config chancery.toml")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything with a fake world around it: for integrators and tests
    Sandbox(sandbox_command::Arguments),
    /// Serve the partner interface and do the work behind it
    Serve(serve::Arguments),
    /// Do the work without listening: one more node on a PostgreSQL database
    Worker(serve::Arguments),
    /// Print an example of a configuration, or check one
    #[command(subcommand)]
    Config(config::Command),
    /// Make the CAs and their keys, or those that are missing
    Ceremony(ceremony::Arguments),
    /// Make and change accounts
    Account(account::Arguments),
    /// Look at the catalogue, or check one of your own
    Product(product::Arguments),
    /// Look at orders, settle their checks, take them back; make stub orders
    Order(order::Arguments),
    /// Look at certificates and revoke them
    Certificate(certificate::Arguments),
    /// Look at jobs that were given up, and have them tried again
    Job(job::Arguments),
    /// Look at the audit trail, and verify its seals
    Audit(audit::Arguments),
    /// Keep mail texts of an account's own
    Template(template::Arguments),
    /// Drive a server with whole real orders and print how fast they went through
    Bench(bench::Arguments),
    /// Print completions for a shell: bash, zsh, fish, elvish or powershell
    #[command(
        after_help = "Example:\n  chancery completions bash > /etc/bash_completion.d/chancery"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Orders are many small pieces of memory; this allocator is quick with them and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    secrets::note_inherited();
    let command = Cli::parse().command;
    start_log(&command);
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // On one line and without a backtrace: it is for the operator, not for us.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Sandbox(arguments) => sandbox_command::run(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Worker(arguments) => serve::work(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Ceremony(arguments) => ceremony::run(&arguments),
        Command::Account(arguments) => account::run(&arguments),
        Command::Product(arguments) => product::run(&arguments),
        Command::Order(arguments) => order::run(&arguments),
        Command::Certificate(arguments) => certificate::run(&arguments),
        Command::Job(arguments) => job::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Template(arguments) => template::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "chancery", &mut script);
            print::line(String::from_utf8_lossy(&script).trim_end())
        }
    }
}

/// Logs go to standard error, as `CHANCERY_LOG` says. If it says nothing, `info` for what keeps running and `warn` for a
/// command that answers and ends.
fn start_log(command: &Command) {
    let (default, json) = match command {
        Command::Sandbox(_) => ("info", false),
        Command::Serve(arguments) | Command::Worker(arguments) => ("info", arguments.log_json),
        _ => ("warn", false),
    };
    let asked = std::env::var("CHANCERY_LOG").ok().filter(|asked| !asked.trim().is_empty());
    let read = asked.as_ref().map(tracing_subscriber::EnvFilter::try_new);
    let odd = read.as_ref().and_then(|read| read.as_ref().err()).map(ToString::to_string);
    let filter = read.and_then(Result::ok);
    let filter = filter.unwrap_or_else(|| tracing_subscriber::EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        let colours = std::io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        log.with_ansi(colours).init();
    }
    if let Some(odd) = odd {
        tracing::warn!("CHANCERY_LOG is left out, for it is no filter: {odd}");
    }
}
