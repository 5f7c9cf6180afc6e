//! A PostgreSQL of one's own: Debian's, with its data under the system's temporary folder, stopped and removed when its
//! standard input ends, however this process ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

pub struct Private {
    folder: String,
    shell: Child,
}

const SCRIPT: &str = r#"
trap '' INT HUP TERM
set -e
dir=$(mktemp -d /tmp/chancery-pg-XXXXXX)
"$0/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 ||
    { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
"$0/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-c listen_addresses='' \
    -c unix_socket_directories='$dir' -c max_connections=100 -c shared_buffers=256MB \
    -c max_wal_size=4GB" \
    start >/dev/null || { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
"$0/createdb" -h "$dir" -U postgres bench
echo "$dir"
read -r _ || true
"$0/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
rm -rf "$dir"
"#;

impl Private {
    pub fn start() -> anyhow::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        use std::os::unix::process::CommandExt as _;
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let mut command = if root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", SCRIPT]);
            command
        };
        command.arg(binaries()?).current_dir("/tmp").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().context("sh and runuser")?;
        let mut line = String::new();
        let output = shell.stdout.take().context("its output")?;
        BufReader::new(output).read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "PostgreSQL did not start; its words are above");
        Ok(Self { folder: line.trim().to_owned(), shell })
    }

    /// Where its data are.
    pub fn folder(&self) -> &Path {
        Path::new(&self.folder)
    }

    pub fn address(&self) -> String {
        format!("host={} user=postgres dbname=bench", self.folder)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// The folder of the newest installed version's programs.
fn binaries() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|entry| entry.path().join("bin"));
    let found = found.filter(|folder| folder.join("initdb").exists()).max();
    found.context("--private-postgres needs Debian's package: apt-get install postgresql")
}
