//! The sockets of the fake world, all on loopback, bound before anything runs.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

use socket2::{Domain, Protocol, Socket, Type};

/// The address that every fake name has unless told otherwise; documentation space, so no real
/// host is ever meant.
pub const FAKE_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Where the servers listen. As a wish, port 0 leaves the choice to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// DNS, UDP and TCP on the same port.
    pub dns: SocketAddr,
    /// The SMTP sink.
    pub smtp: SocketAddr,
    /// The control API.
    pub control: SocketAddr,
    /// The fake web, plain.
    pub http: SocketAddr,
    /// The fake web, TLS.
    pub https: SocketAddr,
}

impl Default for Addresses {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { dns: any, smtp: any, control: any, http: any, https: any }
    }
}

/// Bound sockets; connections already queue up on them.
#[derive(Debug)]
pub struct Sockets {
    pub(crate) udp: UdpSocket,
    pub(crate) dns: TcpListener,
    pub(crate) smtp: TcpListener,
    pub(crate) control: TcpListener,
    pub(crate) http: TcpListener,
    pub(crate) https: TcpListener,
    at: Addresses,
}

impl Sockets {
    /// Binds everything, and refuses an address that is not loopback.
    pub fn bind(wish: &Addresses) -> io::Result<Self> {
        let (udp, dns) = bind_dns(wish.dns).map_err(named("dns", wish.dns))?;
        let tcp = |role, at| bind_tcp(at).map_err(named(role, at));
        let [smtp, control, http, https] = [
            tcp("smtp", wish.smtp)?,
            tcp("control", wish.control)?,
            tcp("the fake web's http", wish.http)?,
            tcp("the fake web's https", wish.https)?,
        ];
        let at = Addresses {
            dns: udp.local_addr()?,
            smtp: smtp.local_addr()?,
            control: control.local_addr()?,
            http: http.local_addr()?,
            https: https.local_addr()?,
        };
        Ok(Self { udp, dns, smtp, control, http, https, at })
    }

    /// Where they really are.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.at
    }
}

impl Addresses {
    /// What a dialler of the sandbox must map: the fake address' web ports to the fake web.
    /// Every other address keeps its usual fate.
    #[must_use]
    pub fn dial_override(&self) -> [((IpAddr, u16), SocketAddr); 2] {
        let fake = IpAddr::V4(FAKE_ADDRESS);
        [((fake, 80), self.http), ((fake, 443), self.https)]
    }
}

/// Says which server cannot listen, and where.
fn named(role: &'static str, at: SocketAddr) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{role} cannot listen on {at}: {error}"))
}

/// UDP and TCP on one port: with port 0 the system's choice for UDP may be taken on TCP, so try
/// a few times.
fn bind_dns(wish: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = if wish.port() == 0 { 32 } else { 1 };
    loop {
        let udp = bind_udp(wish)?;
        match bind_tcp(udp.local_addr()?) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if tries <= 1 => return Err(error),
            Err(_) => tries -= 1,
        }
    }
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    loopback_only(address)?;
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // A burst of questions must wait rather than be lost: a lost one costs its resolver seconds.
    // The system caps this silently.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    loopback_only(address)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

fn loopback_only(address: SocketAddr) -> io::Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let text = format!("{address} is not a loopback address; the sandbox listens on loopback only");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

const RECEIVE_BUFFER: usize = 4 << 20;
