//! Which house a command is about: by its configuration file, by its database, or by the folder of a sandbox.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use server::config::File;
use server::operator::Office;

use crate::print;

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
        Ok(self.file()?.and_then(|file| file.catalogue))
    }

    /// Under which name a house sells that has a configuration.
    pub fn brand(&self) -> anyhow::Result<Option<String>> {
        Ok(self.file()?.map(|file| file.brand.unwrap_or(file.organization)))
    }

    /// The configuration, where the house is said by it.
    fn file(&self) -> anyhow::Result<Option<File>> {
        let config = self.config.as_ref().filter(|_| self.dir.is_none() && self.database.is_none());
        Ok(config.map(|config| File::read(config)).transpose()?)
    }

    fn address(&self) -> anyhow::Result<String> {
        let of_environment = std::env::var_os("CHANCERY_CONFIG").map(PathBuf::from);
        let said = self.config.as_ref().filter(|config| of_environment.as_ref() != Some(*config));
        if let Some(config) = said.filter(|_| self.dir.is_some() || self.database.is_some()) {
            bail!("say one house, not two: --config {}, or --dir or --database", config.display());
        }
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

/// Who is written into the audit trail: the user as whom this runs, by the system's own word. Root is told beside who used
/// `sudo` to become it; nobody else is believed in what stands in the environment.
fn actor() -> String {
    let uid = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = user_of(uid, &users).map_or_else(|| format!("uid {uid}"), str::to_owned);
    let before = std::env::var("SUDO_USER").ok().filter(|name| uid == 0 && !name.is_empty());
    match before {
        Some(before) => format!("shell:{user} (sudo by {})", print::visible(&before)),
        None => format!("shell:{user}"),
    }
}

/// The name of a user, from lines like those of passwd(5).
fn user_of(uid: u32, users: &str) -> Option<&str> {
    let mut found = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nodd\nann:x:1000:1000::/home/ann:\n";
        assert_eq!(user_of(1_000, users), Some("ann"));
        assert_eq!(user_of(0, users), Some("root"));
        assert_eq!(user_of(1, users), None);
    }
}
