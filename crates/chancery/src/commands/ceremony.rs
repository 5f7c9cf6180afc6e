//! `chancery ceremony`: the CAs and their keys.

use std::path::PathBuf;

use anyhow::Context;
use server::config::File;
use server::operator::ceremony::{self, CaView, Wish};

use crate::{print, secrets};

/// Make the roots and issuing CAs, or those that are missing, and print what was made.
///
/// The keys are encrypted under a passphrase that you choose; without it nothing can ever be signed again. The roots
/// are written to roots.pem (and test-roots.pem) in the folder. Running it again adds only what is missing.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery ceremony --config chancery.toml
  chancery ceremony --dir keys --organization \"Example Trust\" --country GB \\
    --base-url http://pki.example.com
  openssl verify -CAfile keys/roots.pem keys/ca/public-dv-ec.crt.pem")]
pub struct Arguments {
    /// The configuration of `chancery serve`, which says folder, organisation, country, URL and key size
    #[arg(long, value_name = "FILE", env = "CHANCERY_CONFIG")]
    config: Option<PathBuf>,
    /// The folder, in place of a configuration's
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// In the names of the CAs, at most 32 characters
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Two capitals
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// Where CRLs and CA certificates will be: plain http on a public DNS name
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Size of the RSA issuing CAs' keys: 2048, 3072 or 4096
    #[arg(long, value_name = "BITS")]
    rsa_bits: Option<u32>,
    /// Read the passphrase from this file descriptor
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
    /// Answer with JSON
    #[arg(long)]
    json: bool,
}

/// Makes what is missing.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wish = arguments.wish()?;
    let passphrase = match ceremony::exists(&wish.dir) {
        true => secrets::passphrase(arguments.passphrase_fd)?,
        false => secrets::new_passphrase(arguments.passphrase_fd)?,
    };
    let all = ceremony::perform(&wish, passphrase)?;
    if arguments.json {
        return print::json(&all);
    }
    let row = |c: &CaView| {
        [
            c.number.to_string(),
            c.name.clone(),
            if c.new { "new" } else { "" }.to_owned(),
            c.key.clone(),
            c.subject.clone(),
            format!("{} to {}", c.not_before, c.not_after),
            c.serial.clone(),
            c.sha256.clone(),
        ]
    };
    let header = ["No.", "Name", "", "Key", "Subject", "Valid", "Serial", "SHA-256"];
    print::table(header, all.iter().map(row))?;
    let new = all.iter().filter(|c| c.new).count();
    print::line(&format!("{new} made, {} were there.", all.len() - new))?;
    print::line(&format!("Roots: {}", wish.dir.join("roots.pem").display()))
}

impl Arguments {
    fn wish(&self) -> anyhow::Result<Wish> {
        let file = self.config.as_deref().map(File::read).transpose()?;
        let file = file.as_ref();
        let say = "say it here, or give --config FILE";
        let text = |here: &Option<String>, there: Option<&String>, name: &str| {
            let found = here.as_ref().or(there).cloned();
            found.with_context(|| format!("{name} is missing; {say}"))
        };
        Ok(Wish {
            dir: self
                .dir
                .clone()
                .or(file.map(|f| f.ca_dir.clone()))
                .with_context(|| format!("--dir is missing; {say}"))?,
            organization: text(
                &self.organization,
                file.map(|f| &f.organization),
                "--organization",
            )?,
            country: text(&self.country, file.map(|f| &f.country), "--country")?,
            base_url: text(&self.base_url, file.map(|f| &f.pki_base_url), "--base-url")?,
            rsa_bits: self.rsa_bits.or(file.map(|f| f.rsa_bits)).unwrap_or(3_072),
        })
    }
}
