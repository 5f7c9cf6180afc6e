//! Starting and stopping the fake world.

use std::{fmt, io, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use crate::{
    control, dns,
    house::House,
    smtp,
    sockets::{Addresses, Sockets},
    task::Running,
    web,
    world::World,
};

/// Why the fake world did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket could not be handed to its server.
    #[error("a sandbox socket failed: {0}")]
    Socket(#[from] io::Error),
    /// The web server's self-signed certificate could not be made.
    #[error("the fake web has no certificate: {0}")]
    Certificate(String),
    /// The control API was opened before.
    #[error("the control API is open already")]
    ControlOpen,
}

/// The running fake world; dropping it stops it.
pub struct Outside {
    world: Arc<World>,
    at: Addresses,
    stop: watch::Sender<bool>,
    control: Option<std::net::TcpListener>,
    running: Vec<Running>,
    _resolver: dns::Threads,
}

impl Outside {
    /// Starts DNS, web and mail. The control port is bound but answers only after
    /// [`Outside::open_control`]. Must be called inside a tokio runtime.
    pub fn start(world: Arc<World>, sockets: Sockets) -> Result<Self, StartError> {
        let at = sockets.addresses();
        let (stop, stopped) = watch::channel(false);
        let tls = web::self_signed().map_err(StartError::Certificate)?;
        let tcp = TcpListener::from_std(sockets.dns)?;
        let smtp = TcpListener::from_std(sockets.smtp)?;
        let http = TcpListener::from_std(sockets.http)?;
        let https = TcpListener::from_std(sockets.https)?;
        let resolver = dns::Threads::start(sockets.udp, &world)?;
        let running = vec![
            spawn(dns::serve_tcp(tcp, Arc::clone(&world), stopped.clone())),
            spawn(smtp::serve(smtp, Arc::clone(&world), stopped.clone())),
            spawn(web::serve_http(http, Arc::clone(&world), stopped.clone())),
            spawn(web::serve_https(https, tls, Arc::clone(&world), stopped)),
        ];
        let control = Some(sockets.control);
        Ok(Self { world, at, stop, control, running, _resolver: resolver })
    }

    /// Answers the control API from now on, with the started server behind it.
    pub fn open_control(&mut self, house: Arc<dyn House>) -> Result<(), StartError> {
        let listener = self.control.take().ok_or(StartError::ControlOpen)?;
        let listener = TcpListener::from_std(listener)?;
        let world = Arc::clone(&self.world);
        let serving = control::serve(listener, world, house, self.stop.subscribe());
        self.running.push(spawn(serving));
        Ok(())
    }

    /// What the servers tell and remember.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Where the servers listen.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.at
    }

    /// Ends every server and connection; requests under way are cut.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("at", &self.at).finish_non_exhaustive()
    }
}

fn spawn(serving: impl Future<Output = ()> + Send + 'static) -> Running {
    Running(tokio::spawn(serving))
}
