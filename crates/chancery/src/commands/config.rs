//! `chancery config`: a commented example, and a check.

use std::path::PathBuf;

use server::config::{EXAMPLE, Settings};

use crate::print;

/// Print an example of a configuration, or check one
#[derive(clap::Subcommand)]
pub enum Command {
    /// Print a commented configuration file
    #[command(after_help = "Example:\n  chancery config example > chancery.toml")]
    Example,
    /// Say whether a configuration can be served from: nothing is started, written or connected to
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs a command.
pub fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Example => print::line(EXAMPLE.trim_end()),
        Command::Check { file } => {
            let settings = Settings::read(file)?;
            let ca_dir = &settings.file().ca_dir;
            print::line(&format!("{} is right", file.display()))?;
            if !server::operator::ceremony::exists(ca_dir) {
                print::line(&format!(
                    "There are no CAs in {} yet; make them with `chancery ceremony --config {}`",
                    ca_dir.display(),
                    file.display()
                ))?;
            }
            Ok(())
        }
    }
}
