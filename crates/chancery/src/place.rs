//! Which house a command is about: by its configuration file, by its database, or by the folder of a sandbox.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use server::config::File;
use server::operator::Office;

/// Which house, and how to answer.
#[derive(clap::Args, Clone, Debug)]
pub struct Place {
    /// The configuration file of `chancery serve`
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CHANCERY_CONFIG",
        help_heading = "Which house"
    )]
    config: Option<PathBuf>,
    /// A database: a path, sqlite:PATH, or postgres://user@host/name
    #[arg(long, global = true, value_name = "URL", help_heading = "Which house")]
    database: Option<String>,
    /// The folder of a sandbox on SQLite
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        conflicts_with = "database",
        help_heading = "Which house"
    )]
    dir: Option<PathBuf>,
    /// Answer with JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Place {
    /// Opens the database beside whoever serves from it.
    pub fn office(&self) -> anyhow::Result<Office> {
        Ok(Office::open(&self.address()?, &actor())?)
    }

    /// The catalogue's file, if the configuration names one.
    pub fn catalogue(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.dir.is_some() || self.database.is_some() {
            return Ok(None);
        }
        match &self.config {
            Some(config) => Ok(File::read(config)?.catalogue),
            None => Ok(None),
        }
    }

    fn address(&self) -> anyhow::Result<String> {
        if let Some(dir) = &self.dir {
            let path = dir.join("store.sqlite");
            ensure!(
                path.exists(),
                "there is no {}; is the sandbox on PostgreSQL? Then say --database URL",
                path.display()
            );
            return Ok(path.display().to_string());
        }
        if let Some(database) = &self.database {
            return Ok(database.clone());
        }
        match &self.config {
            Some(config) => Ok(File::read(config)?.database),
            None => bail!(
                "say which house: --config FILE (of `chancery serve`), --dir DIR (of a sandbox), or --database URL"
            ),
        }
    }
}

/// Who is written into the audit trail: the user at the shell.
fn actor() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!("shell:{}", user.as_deref().unwrap_or("unknown"))
}
