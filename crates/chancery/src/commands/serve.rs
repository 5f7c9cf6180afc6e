//! `chancery serve` and `chancery worker`: the house at work, from a configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use server::config::Settings;
use server::http::listen::Tls;
use server::http::own_tls::OwnTls;
use server::open;
use server::operator::ceremony;
use server::start::{Listeners, Running};
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;

use crate::{secrets, signals};

/// Serve the partner interface, the pages, CRLs and CA certificates, and do the work behind them.
///
/// The passphrase of the CA keys comes from --passphrase-fd, from the systemd credential `ca-passphrase`, from the file
/// that CHANCERY_PASSPHRASE_FILE names, or is asked for at the terminal. SIGHUP reads the TLS files again where there are
/// some, SIGTERM stops when what is under way has ended.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  chancery config example > chancery.toml
  chancery ceremony --config chancery.toml
  chancery serve --config chancery.toml
  chancery serve --config chancery.toml --log-json --passphrase-fd 3 \\
    3< /run/secrets/ca-passphrase")]
pub struct Arguments {
    /// The configuration; `chancery config example` prints one
    #[arg(long, value_name = "FILE", env = "CHANCERY_CONFIG")]
    config: PathBuf,
    /// Read the passphrase of the CA keys from this file descriptor
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
    /// Log JSON, one object a line
    #[arg(long)]
    pub log_json: bool,
}

/// Between two looks at the TLS files.
const LOOK: Duration = Duration::from_secs(60);

/// Serves and works until told to stop.
pub fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    run(arguments, true)
}

/// Works until told to stop.
pub fn work(arguments: &Arguments) -> anyhow::Result<()> {
    run(arguments, false)
}

fn run(arguments: &Arguments, listen: bool) -> anyhow::Result<()> {
    let settings = Settings::read(&arguments.config)?;
    let ca_dir = &settings.file().ca_dir;
    ensure!(
        ceremony::exists(ca_dir),
        "there are no CAs in {}; make them with `chancery ceremony --config {}`",
        ca_dir.display(),
        arguments.config.display()
    );
    let passphrase = secrets::passphrase(arguments.passphrase_fd)?;
    let plan = settings.plan(passphrase);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // From here on SIGHUP ends nothing, whether or not there is something to be read again.
        let _hang_ups = signals::hang_up().context("SIGHUP")?;
        let doors = if listen { Some(Doors::open(&settings).await?) } else { None };
        let opened = tokio::task::spawn_blocking(move || open::open(plan)).await??;
        let host = settings.own_tls_host()?.filter(|_| listen);
        let own = host.map(|host| OwnTls::new(opened.house.clone(), host));
        let tls = match &own {
            Some(own) => Some(own.first()?),
            None => settings.tls()?,
        };
        let listeners = doors.map_or_else(Listeners::default, |d| d.listeners(tls.clone()));
        let running = Running::start(opened.house.clone(), listeners).await?;
        let reloading = tls.filter(|_| listen).map(|tls| match own {
            Some(own) => tokio::spawn(renew(own, tls)),
            None => tokio::spawn(reload(settings, tls)),
        });
        if !listen {
            tracing::info!("working");
        }
        signals::stopped().await;
        if let Some(task) = reloading {
            task.abort();
        }
        running.stop().await;
        Ok(())
    })
}

/// The two listening sockets: bound before anything else, so that a taken port is told at once.
struct Doors {
    api: TcpListener,
    http: TcpListener,
}

impl Doors {
    async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let file = settings.file();
        Ok(Self {
            api: bind("listen", file.listen).await?,
            http: bind("listen_http", file.listen_http).await?,
        })
    }

    fn listeners(self, tls: Option<Tls>) -> Listeners {
        let at = |l: &TcpListener| l.local_addr().map(|a| a.to_string()).unwrap_or_default();
        tracing::info!(listen = at(&self.api), listen_http = at(&self.http), "serving");
        Listeners { tls: vec![(self.api, tls), (self.http, None)] }
    }
}

async fn bind(what: &str, at: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at).await.with_context(|| {
        format!("{what}: cannot listen on {at}; is the port taken, or below 1024 without the right to it?")
    })
}

/// Waits for the next look, and says whether it was asked for by SIGHUP.
async fn next_look(hang_up: &mut Option<Signal>) -> bool {
    let told = async {
        match hang_up {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = tokio::time::sleep(LOOK) => false,
        _ = told => true,
    }
}

/// Has the own CA make another certificate when half of the life of this one is over, and at SIGHUP.
async fn renew(own: OwnTls, tls: Tls) {
    let mut hang_up = signals::hang_up().ok();
    loop {
        let asked = next_look(&mut hang_up).await;
        if (asked || own.is_due())
            && let Err(error) = own.renew(&tls)
        {
            tracing::warn!(%error, "the TLS certificate stays as it is");
        }
    }
}

/// Takes another certificate when the files have changed: every minute, and at SIGHUP.
async fn reload(settings: Settings, tls: Tls) {
    let settings = Arc::new(settings);
    let mut now = settings.tls_files().ok().flatten();
    let mut hang_up = signals::hang_up().ok();
    loop {
        next_look(&mut hang_up).await;
        let files = settings.clone();
        let read = tokio::task::spawn_blocking(move || files.tls_files()).await;
        let files = match read {
            Ok(Ok(Some(files))) => files,
            Ok(Ok(None)) | Err(_) => continue,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the TLS certificate stays as it is");
                continue;
            }
        };
        if now.as_ref() == Some(&files) {
            continue;
        }
        match tls.exchange(&files.0, &files.1) {
            Ok(()) => {
                tracing::info!("took another TLS certificate");
                now = Some(files);
            }
            Err(error) => tracing::warn!(%error, "the TLS certificate stays as it is"),
        }
    }
}
