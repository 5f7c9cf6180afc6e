//! The server that is driven: a sandbox in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

/// What the ready line says.
#[derive(Clone, serde::Deserialize)]
pub struct Ready {
    pub api: String,
    pub control: String,
    pub tls_ca: PathBuf,
    pub roots: PathBuf,
    pub accounts: Vec<Account>,
}

/// An account of the ready line.
#[derive(Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub login_name: String,
    pub login_password: String,
    pub role: String,
}

impl Ready {
    /// From a file, or from standard input.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let mut line = String::new();
        if file == Path::new("-") {
            std::io::stdin().lock().read_line(&mut line)?;
        } else {
            line = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        }
        serde_json::from_str(line.trim()).context("the ready line")
    }

    /// The folder of the server.
    pub fn dir(&self) -> PathBuf {
        self.tls_ca.parent().unwrap_or(Path::new(".")).to_owned()
    }

    /// Its SQLite file, if it has one.
    pub fn sqlite(&self) -> PathBuf {
        self.dir().join("store.sqlite")
    }
}

/// A sandbox that ends with us.
pub struct ServerProcess {
    child: Child,
    pub ready: Ready,
    /// From the start of the process to its ready line.
    pub ready_ms: u64,
}

impl ServerProcess {
    pub fn start(dir: &Path, database: Option<&str>) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["sandbox", "--until-eof", "--dir"]).arg(dir);
        if let Some(database) = database {
            command.args(["--database", database]);
        }
        if std::env::var_os("CHANCERY_LOG").is_none() {
            command.env("CHANCERY_LOG", "warn");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().context("the server cannot be started")?;
        let mut line = String::new();
        let output = child.stdout.take().context("its output")?;
        BufReader::new(output).read_line(&mut line)?;
        let ready_ms = u64::try_from(begun.elapsed().as_millis())?;
        let ready = serde_json::from_str(&line).context("the server did not get ready")?;
        Ok(Self { child, ready, ready_ms })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as its user would.
    pub fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "the server does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
