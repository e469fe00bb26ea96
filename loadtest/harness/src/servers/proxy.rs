//! A fault proxy: stands between a client and a server over TCP, and does to their connections
//! what networks do.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

use super::StartError;

const BUFFER_LEN: usize = 16 << 10;

/// A proxy before one server. It passes everything on until it is told otherwise, and its
/// connections are cut when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

/// Which ways stand still. What is sent meanwhile is held, and so is the end of a connection: to
/// both sides it looks open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalled {
    /// From the client to the server.
    pub to_server: bool,
    /// From the server to the client: a client that is deaf.
    pub to_client: bool,
}

impl Stalled {
    /// Everything passes.
    pub const NEITHER: Self = Self {
        to_server: false,
        to_client: false,
    };
    /// What the server says is held.
    pub const TO_CLIENT: Self = Self {
        to_server: false,
        to_client: true,
    };
    /// Nothing passes.
    pub const BOTH: Self = Self {
        to_server: true,
        to_client: true,
    };
}

#[derive(Debug, Default)]
struct State {
    refusing: bool,
    /// How long everything is under way.
    delay: watch::Sender<Duration>,
    /// What connections to come begin with.
    stalled: Stalled,
    /// By the port that the server sees them come from.
    connections: HashMap<u16, Connection>,
}

#[derive(Debug)]
struct Connection {
    stalled: watch::Sender<Stalled>,
    passing: JoinHandle<()>,
}

impl Proxy {
    /// Listens at a free port for connections to a server on this machine.
    ///
    /// # Errors
    /// [`StartError`] when there is no port.
    pub async fn start(server_port: u16) -> Result<Self, StartError> {
        let no_port = StartError::from_io("no free port for a proxy");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
        let (port, listener) = bound.map_err(no_port)?;
        let state = Arc::new(Mutex::new(State::default()));
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&state)));
        Ok(Self {
            port,
            state,
            accepting,
        })
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The ports that the server sees connections come from, to tell them apart.
    pub fn connections(&self) -> Vec<u16> {
        lock(&self.state).connections.keys().copied().collect()
    }

    /// Stalls, or lets pass, all connections and those to come.
    pub fn stall(&self, stalled: Stalled) {
        let mut state = lock(&self.state);
        state.stalled = stalled;
        for connection in state.connections.values() {
            connection.stalled.send_replace(stalled);
        }
    }

    /// Stalls one connection alone; one that is gone is none.
    pub fn stall_one(&self, port: u16, stalled: Stalled) {
        if let Some(connection) = lock(&self.state).connections.get(&port) {
            connection.stalled.send_replace(stalled);
        }
    }

    /// Makes whatever is sent at once be under way this long: up to [`BUFFER_LEN`] bytes.
    pub fn slow_down(&self, delay: Duration) {
        lock(&self.state).delay.send_replace(delay);
    }

    /// Cuts all connections, whatever is under way on them.
    pub fn cut(&self) {
        for (_, connection) in lock(&self.state).connections.drain() {
            connection.passing.abort();
        }
    }

    /// Refuses connections to come, or takes them again.
    pub fn refuse(&self, refusing: bool) {
        lock(&self.state).refusing = refusing;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<Mutex<State>>) {
    // Accepting fails when the process has no descriptors left; the client sees a lost connection.
    while let Ok((client, _)) = listener.accept().await {
        if lock(&state).refusing {
            continue;
        }
        // A server that is away shows as a connection that closes at once.
        let Ok(server) = TcpStream::connect(server).await else {
            continue;
        };
        let Ok(port) = server.local_addr().map(|address| address.port()) else {
            continue;
        };
        let mut locked = lock(&state);
        let (stalled, watched) = watch::channel(locked.stalled);
        let delay = locked.delay.subscribe();
        let ended = Arc::clone(&state);
        let passing = tokio::spawn(async move {
            pass(client, server, watched, delay).await;
            lock(&ended).connections.remove(&port);
        });
        let connection = Connection { stalled, passing };
        locked.connections.insert(port, connection);
    }
}

/// Passes bytes both ways until one side has closed.
async fn pass(
    client: TcpStream,
    server: TcpStream,
    stalled: watch::Receiver<Stalled>,
    delay: watch::Receiver<Duration>,
) {
    // Both ends speak in small messages that somebody waits for.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(from_client, to_server, stalled.clone(), &delay, |stalled| stalled.to_server) => {}
        () = pump(from_server, to_client, stalled, &delay, |stalled| stalled.to_client) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut stalled: watch::Receiver<Stalled>,
    delay: &watch::Receiver<Duration>,
    here: fn(&Stalled) -> bool,
) {
    let mut buffer = vec![0; BUFFER_LEN];
    loop {
        let len = from.read(&mut buffer).await.unwrap_or(0);
        let delay = *delay.borrow();
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // Nobody can open the way any more once the sender is gone.
        let open = stalled.wait_for(|stalled| !here(stalled)).await.is_ok();
        if len == 0 || !open || to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::TcpSocket, task::yield_now, time::timeout};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    /// A proxy before a listener, and both ends of a connection through it.
    async fn connected() -> (Proxy, TcpListener, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap().port())
            .await
            .unwrap();
        let client = connect(&proxy).await;
        let (server, _) = listener.accept().await.unwrap();
        // The proxy writes a connection down a moment after the server has accepted it.
        let known = async {
            while proxy.connections().is_empty() {
                yield_now().await;
            }
        };
        timeout(DEADLINE, known).await.unwrap();
        (proxy, listener, client, server)
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy.port()));
        TcpSocket::new_v4().unwrap().connect(address).await.unwrap()
    }

    async fn next_byte(socket: &mut TcpStream) -> Option<u8> {
        let mut byte = [0];
        let read = timeout(DEADLINE, socket.read(&mut byte)).await.unwrap();
        // A reset is an end as well.
        (read.unwrap_or(0) == 1).then_some(byte[0])
    }

    #[tokio::test]
    async fn a_deaf_client_is_heard_and_hears_later() {
        let (proxy, _listener, mut client, mut server) = connected().await;
        proxy.stall(Stalled::TO_CLIENT);
        server.write_all(b"a").await.unwrap();
        client.write_all(b"b").await.unwrap();
        assert_eq!(next_byte(&mut server).await, Some(b'b'));
        assert!(client.try_read(&mut [0]).is_err(), "nothing came");
        proxy.stall(Stalled::NEITHER);
        assert_eq!(next_byte(&mut client).await, Some(b'a'));
    }

    #[tokio::test]
    async fn one_connection_can_be_stalled_alone() {
        let (proxy, listener, mut client, mut server) = connected().await;
        let [port] = proxy.connections()[..] else {
            panic!("there is one connection");
        };
        assert_eq!(server.peer_addr().unwrap().port(), port);
        let mut other_client = connect(&proxy).await;
        let (mut other_server, _) = listener.accept().await.unwrap();
        proxy.stall_one(port, Stalled::BOTH);
        client.write_all(b"a").await.unwrap();
        other_client.write_all(b"b").await.unwrap();
        assert_eq!(next_byte(&mut other_server).await, Some(b'b'));
        assert!(server.try_read(&mut [0]).is_err(), "nothing came");
        proxy.stall_one(port, Stalled::NEITHER);
        assert_eq!(next_byte(&mut server).await, Some(b'a'));
    }

    #[tokio::test]
    async fn cut_connections_end_on_both_sides_and_refused_ones_never_reach_the_server() {
        let (proxy, listener, mut client, mut server) = connected().await;
        proxy.refuse(true);
        proxy.cut();
        assert_eq!(next_byte(&mut client).await, None);
        assert_eq!(next_byte(&mut server).await, None);
        assert_eq!(next_byte(&mut connect(&proxy).await).await, None);
        proxy.refuse(false);
        let mut client = connect(&proxy).await;
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"a").await.unwrap();
        assert_eq!(next_byte(&mut server).await, Some(b'a'));
    }
}
