//! `chancery sandbox`: the real server with a fake world around it.

mod folder;
mod house;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use sandbox::{Addresses, Options, Outside, Sockets, World};
use server::config::Rules;
use server::demo;
use server::http::listen::Tls;
use server::open::{self, CaPlan, Files, OutsidePlan, Plan};
use server::start::{Listeners, Running};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{print, signals};
use folder::Folder;

/// Start the real server with a fake DNS, a fake web, a mailbox and a clock that you turn.
///
/// A new folder is set up by itself, an old one continues where it was; only DNS, web and mailbox begin empty at each start.
/// When everything is ready, one line of JSON with all addresses and accounts is printed to standard output; everything else
/// goes to standard error.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where database, keys and settings are kept
    #[arg(long, default_value = ".chancery", value_name = "DIR")]
    dir: PathBuf,
    /// Where the partner interface listens with TLS; the other five ports are chosen once and kept
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Repeat what is left to chance: with the same seed, a new folder and the same calls in the same order, order numbers,
    /// certificate IDs and unique values are the same. Keys, serials, codes and random values are never repeated
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// A database in place of DIR/store.sqlite: postgres://user@host/name
    #[arg(long, value_name = "URL", env = "CHANCERY_SANDBOX_DATABASE")]
    database: Option<String>,
    /// Connections to a PostgreSQL database
    #[arg(long, value_name = "N", default_value_t = 8)]
    database_connections: usize,
    /// A public address whose ports 80 and 443 lead to the fake web, for certificates that name it; may be given again
    #[arg(long, value_name = "IP")]
    web_address: Vec<IpAddr>,
    /// Stop when standard input ends: no sandbox outlives the test that started it
    #[arg(long)]
    until_eof: bool,
}

/// Runs until it is told to stop.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serve(arguments));
    runtime.shutdown_timeout(AT_MOST);
    outcome
}

/// How long what is under way may take to end.
const AT_MOST: Duration = Duration::from_secs(2);

async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(listen) = arguments.listen {
        anyhow::ensure!(
            listen.ip().is_loopback(),
            "--listen must be a loopback address, like 127.0.0.1:8443: a sandbox is for this machine only"
        );
    }
    let folder = Folder::open(&arguments.dir)?;
    let mut ports = folder.ports()?;
    if let Some(listen) = arguments.listen {
        ports.api = listen;
    }
    let kept = kept_ports(&folder);
    let way_out = if arguments.listen.is_some() { "name another with --listen" } else { &kept };
    let api = bind("api", ports.api, way_out).await?;
    let http = bind("http", ports.http, &kept).await?;
    let web = bind("web", ports.web, &kept).await?;
    let wish = Addresses {
        dns: ports.dns,
        smtp: ports.smtp,
        control: ports.control,
        ..Addresses::default()
    };
    let sockets = Sockets::bind(&wish).map_err(|error| anyhow!("{error}; {kept}"))?;
    let at = sockets.addresses();
    ports.api = api.local_addr()?;
    ports.http = http.local_addr()?;
    ports.web = web.local_addr()?;
    (ports.dns, ports.smtp, ports.control) = (at.dns, at.smtp, at.control);
    folder.keep_ports(&ports)?;

    let plan = plan(arguments, &folder, &ports, &at)?;
    let opened = tokio::task::spawn_blocking(move || open::open(plan)).await??;
    folder.write_roots(&opened.house.authority)?;
    let accounts = folder.accounts()?;
    demo::make_accounts(&opened.house, &accounts).await?;

    let clock = opened.house.clock.clone();
    let world = World::new(Arc::new(move || clock.now().ms()), &Options { dns_ttl: 60 });
    let mut outside = Outside::start(world, sockets)?;
    let (chain, key) = folder.tls()?;
    let tls = Tls::from_pem(chain.as_bytes(), key.as_bytes())?;
    let listeners =
        Listeners { tls: vec![(api, Some(tls.clone())), (http, None), (web, Some(tls))] };
    let running = Running::start(opened.house.clone(), listeners).await?;
    let house = house::SandboxHouse::new(opened, running, accounts.clone());
    outside.open_control(house.clone())?;
    print::line(&folder.ready_line(&ports, &accounts))?;

    let abandoned = tokio::select! {
        () = signals::stopped() => false,
        () = input_ended(), if arguments.until_eof => true,
    };
    outside.stop();
    if abandoned {
        // Whoever started it is gone, and the database perhaps too.
        let _ = tokio::time::timeout(AT_MOST, house.stop()).await;
    } else {
        house.stop().await;
    }
    Ok(())
}

fn plan(
    arguments: &Arguments,
    folder: &Folder,
    ports: &folder::Ports,
    at: &Addresses,
) -> anyhow::Result<Plan> {
    let web = |ip: &IpAddr| [((*ip, 80), at.http), ((*ip, 443), at.https)];
    let web = arguments.web_address.iter().flat_map(web);
    Ok(Plan {
        database: arguments
            .database
            .clone()
            .unwrap_or_else(|| folder.path("store.sqlite").display().to_string()),
        database_connections: arguments.database_connections,
        ca: CaPlan {
            dir: folder.path("keys"),
            passphrase: Zeroizing::new(folder.passphrase()?.into_bytes()),
            organization: "Chancery".to_owned(),
            country: "GB".to_owned(),
            base_url: "http://pki.example.org".to_owned(),
            crl_shards: 8,
            rsa_bits: 2_048,
        },
        rules: Rules { only_node: true, ..Rules::default() },
        outside: OutsidePlan {
            nameservers: vec![at.dns],
            dnssec_off: true,
            dns_over_tcp: true,
            overrides: at.dial_override().into_iter().chain(web).collect(),
            // The control API makes the house forget when the fake DNS changes.
            caa_memory: std::time::Duration::from_secs(60),
            ..OutsidePlan::default()
        },
        mail: Some(open::plain_smtp(at.smtp)),
        mail_from: "noreply@pki.example.org".to_owned(),
        public_url: format!("https://localhost:{}", ports.web.port()),
        files: Files::default(),
        calls_per_minute: None,
        sandbox: true,
        seed: arguments.seed,
    })
}

async fn bind(role: &str, at: SocketAddr, way_out: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(at).await;
    bound.map_err(|error| anyhow!("{role} cannot listen on {at}: {error}; {way_out}"))
}

/// What to do when a port of the last start is taken.
fn kept_ports(folder: &Folder) -> String {
    let kept = folder.path("ports.json");
    format!("the ports of the first start are kept: remove {} to choose anew", kept.display())
}

/// Waits for the end of standard input.
async fn input_ended() {
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: a read of standard input cannot be taken back, and must not hold up the runtime's end.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}
