//! `chancery certificate`: looked at, revoked.

use server::operator::certificates::{self, CertificateView, Revocation};

use crate::place::Place;
use crate::print;

/// Look at certificates and revoke them
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery certificate show 5F3A…C1 --config chancery.toml
  chancery certificate revoke 5F3A…C1 --reason keyCompromise --config chancery.toml")]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show one certificate, with its PEM
    Show {
        /// Its serial in hexadecimal, colons between or not
        serial: String,
    },
    /// Revoke a certificate: within a minute the CRL of a running server or worker names it
    ///
    /// With keyCompromise all other valid certificates on the same key are revoked too.
    Revoke {
        /// Its serial in hexadecimal, colons between or not
        serial: String,
        /// unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn
        #[arg(long, value_name = "REASON")]
        reason: String,
    },
}

/// Runs a command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let office = arguments.place.office()?;
    match &arguments.command {
        Command::Show { serial } => {
            let found = certificates::show(&office, serial)?;
            if arguments.place.json { print::json(&found) } else { print_certificate(&found) }
        }
        Command::Revoke { serial, reason } => {
            let done = certificates::revoke(&office, serial, reason)?;
            print_revocation(arguments.place.json, &done)
        }
    }
}

/// What a revocation gives.
pub fn print_revocation(json: bool, done: &Revocation) -> anyhow::Result<()> {
    if json {
        return print::json(done);
    }
    print::line(&format!(
        "{} is revoked ({}); a running server or worker names it in its CRL within a minute.",
        done.serial, done.reason
    ))?;
    done.with_it.iter().try_for_each(|serial| {
        print::line(&format!("{serial} is revoked with it, for it is on the same key."))
    })
}

/// A certificate with its PEM.
pub fn print_certificate(c: &CertificateView) -> anyhow::Result<()> {
    print::details(&[
        ("Serial", c.serial.clone()),
        ("Order", c.order.to_string()),
        ("Common name", c.common_name.clone().unwrap_or_default()),
        ("State", c.state.to_owned()),
        ("Not before", c.not_before.clone().unwrap_or_default()),
        ("Not after", c.not_after.clone().unwrap_or_default()),
        ("Issuing CA", print::or_nothing(c.ca.as_ref())),
        ("CRL shard", print::or_nothing(c.crl_shard.as_ref())),
        ("SHA-256", c.sha256.clone().unwrap_or_default()),
        ("Revoked", c.revoked_at.clone().unwrap_or_default()),
        ("Reason", c.revocation_reason.unwrap_or_default().to_owned()),
    ])?;
    match &c.pem {
        Some(pem) => print::line(pem.trim_end()),
        None => Ok(()),
    }
}
