//! Connecting to Redis servers, and what their errors mean.

use std::{fmt, io, path::Path, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisConnectionInfo, RedisError,
    RedisResult, ServerErrorKind, Value,
    aio::{AsyncPushSender, MultiplexedConnection},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::other_service::other_service;
use crate::{
    bus::OpenError,
    config::RedisUrl,
    tls::{self, Check},
    words::host_and_port,
};

/// How long connecting may take, and how long an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(1);

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&host_and_port(&self.host, self.port))
    }
}

/// Sentinels, and the name of the master.
pub(super) struct Sentinels {
    pub(super) master: String,
    pub(super) servers: Box<Servers>,
}

/// How to connect to the servers.
pub(super) struct Servers {
    /// Whether they are a cluster.
    pub(super) cluster: bool,
    /// The servers that the settings name.
    pub(super) seeds: Vec<Address>,
    /// The sentinels that know the master, if there are any.
    pub(super) sentinels: Option<Sentinels>,
    login: RedisConnectionInfo,
    tls: Option<TlsConnector>,
}

impl Servers {
    /// # Errors
    /// [`OpenError`] when TLS is wanted and cannot be used.
    pub(super) fn new(url: &RedisUrl, tls_ca: Option<&Path>) -> Result<Self, OpenError> {
        let wrong = |error| OpenError(format!("{error}. Check bus.tls_ca."));
        let tls = match url.tls {
            true => Some(tls::client(Check::Name, tls_ca).map_err(wrong)?),
            false => None,
        };
        let seeds = url.nodes.iter().map(|(host, port)| Address {
            host: host.clone(),
            port: *port,
        });
        let seeds: Vec<Address> = seeds.collect();
        let tls = tls.map(|config| TlsConnector::from(Arc::new(config)));
        let sentinels = url.sentinel.as_ref().map(|sentinel| Sentinels {
            master: sentinel.master.clone(),
            servers: Box::new(Self {
                cluster: false,
                seeds: seeds.clone(),
                sentinels: None,
                login: sentinel.login.clone(),
                tls: tls.clone(),
            }),
        });
        Ok(Self {
            cluster: url.cluster,
            seeds,
            sentinels,
            login: url.login.clone(),
            tls,
        })
    }

    /// A server and the database there that the settings name: what instances must agree on.
    pub(super) fn location(&self, address: &Address) -> String {
        match self.login.db() {
            0 => address.to_string(),
            database => format!("{address}/{database}"),
        }
    }

    /// Connects, and logs in.
    pub(super) async fn connect(
        &self,
        address: &Address,
        pushes: Option<Arc<dyn AsyncPushSender>>,
    ) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(DEADLINE));
        let config = match pushes {
            Some(pushes) => config.set_push_sender(pushes),
            None => config,
        };
        let connect = async {
            let socket = TcpStream::connect((address.host.as_str(), address.port)).await?;
            // Every small write has a caller that waits for it.
            socket.set_nodelay(true)?;
            match &self.tls {
                None => self.greet(socket, config).await,
                Some(tls) => {
                    let name = ServerName::try_from(address.host.clone());
                    let name = name.map_err(|error| by_tls(error.to_string()))?;
                    let socket = tls.connect(name, socket).await.map_err(refused)?;
                    self.greet(socket, config).await
                }
            }
        };
        let late = |_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        tokio::time::timeout(DEADLINE, connect)
            .await
            .map_err(late)?
    }

    async fn greet(
        &self,
        socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        config: AsyncConnectionConfig,
    ) -> RedisResult<Connection> {
        let connected = MultiplexedConnection::new_with_config(&self.login, socket, config);
        let (commands, driver) = connected.await.map_err(|error| match error.kind() {
            // The library's message is several lines about bytes.
            ErrorKind::Parse => (ErrorKind::Parse, "what answers there is no Redis server").into(),
            _ => error,
        })?;
        Ok(Connection {
            commands,
            driver: Arc::new(AbortOnDropHandle::new(tokio::spawn(driver))),
        })
    }
}

/// Distinguishes a TLS failure from a lost connection.
fn refused(error: io::Error) -> RedisError {
    let by_rustls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>());
    match tls::refusal(&error) {
        Some(why) => by_tls(why),
        None if by_rustls => by_tls(error.to_string()),
        None => error.into(),
    }
}

/// A TLS error, which waiting does not cure.
fn by_tls(why: String) -> RedisError {
    (ErrorKind::Client, "TLS", why).into()
}

/// A connection. Clones share it; it is closed with the last of them.
#[derive(Clone)]
pub(super) struct Connection {
    commands: MultiplexedConnection,
    /// The task that reads and writes for it. Aborted on drop, or it would wait for answers that may never come.
    driver: Arc<AbortOnDropHandle<()>>,
}

impl Connection {
    /// Whether both are clones of one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }

    /// Sends commands in one go; each has its own answer, which may be an error.
    ///
    /// # Errors
    /// When the connection cannot be used any more.
    pub(super) async fn run(&self, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        let mut commands = self.commands.clone();
        commands
            .send_packed_commands(pipeline, 0, pipeline.len())
            .await
    }
}

/// Reads all answers together, unless one of them is an error.
pub(super) fn read<T: FromRedisValue>(answers: Vec<Value>) -> RedisResult<T> {
    let answers = answers.into_iter().map(Value::extract_error);
    let answers = answers.collect::<RedisResult<_>>()?;
    Ok(redis::from_redis_value(Value::Array(answers))?)
}

/// Whether an error means that the server is no longer the master, so that a new connection may reach another one: the
/// address may be a name or a proxy.
pub(super) fn must_reconnect(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    )
}

/// Error codes of temporary conditions: out of memory, disk full, too few replicas, busy with a script, no master.
const TEMPORARY: [&str; 9] = [
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "BUSY",
    "LOADING",
    "READONLY",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
];

/// Whether a server is only unreachable, so that waiting helps. That includes an unknown host name: where containers start
/// together it resolves once the server's has started.
pub(super) fn is_away(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io => true,
        ErrorKind::Server(_) | ErrorKind::Extension => {
            let detail = error.detail().unwrap_or_default();
            error.code().is_some_and(|code| TEMPORARY.contains(&code))
                || detail.starts_with("max number of clients")
        }
        _ => false,
    }
}

/// Accepts the failure of a server that is only unreachable, and turns any other into an [`OpenError`].
pub(super) async fn accept_if_away(
    error: &RedisError,
    servers: &Servers,
    seed: &Address,
) -> Result<(), OpenError> {
    if matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        && let Some(what) = other_service(seed, servers.tls.is_some()).await
    {
        return Err(OpenError(format!("{what}.")));
    }
    if is_away(error) {
        let error = plain(error);
        warn!(
            error,
            "Redis is away; until it is back the instances do not hear each other"
        );
        return Ok(());
    }
    Err(OpenError(format!(
        "Redis cannot be used: {}. Check bus.url and bus.tls_ca.",
        explain(error)
    )))
}

const UNKNOWN_COMMAND: &str = "it does not know a command that duet needs: it must be Redis 7 or newer, with no rename-command for what docs/redis.md lists";

/// Explains an error that waiting does not cure, as part of a sentence.
pub(super) fn explain(error: &RedisError) -> String {
    let is_unknown_command = |detail: &str| detail.starts_with("unknown command");
    let why = match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS")) => {
            "it does not take the user and password"
        }
        (_, Some("NOAUTH")) => "it wants a password",
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) => {
            "its user may not do all that duet needs"
        }
        (ErrorKind::RESP3NotSupported, _) => UNKNOWN_COMMAND,
        (_, Some("ERR")) if error.detail().is_some_and(is_unknown_command) => UNKNOWN_COMMAND,
        (ErrorKind::Server(ServerErrorKind::Moved), _) => {
            "it is a cluster, so write redis+cluster:// instead of redis://"
        }
        // Only `by_tls` makes these.
        (ErrorKind::Client, _) => {
            return error.detail().map_or_else(|| plain(error), str::to_owned);
        }
        _ => return plain(error),
    };
    format!("{why} ({})", plain(error))
}

/// An error without the kind that the library appends, as in "no server is a master - MasterDown".
pub(super) fn plain(error: &RedisError) -> String {
    let kind = format!(" - {:?}", error.kind());
    error.to_string().replacen(&kind, "", 1)
}
