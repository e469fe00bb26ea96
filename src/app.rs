//! The composition root: puts the store, the bus, the actors and the HTTP servers together.

mod announce;

pub use announce::{COMMIT, LONG_VERSION, VERSION};

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_rt::{Arbiter, ArbiterHandle, System};
use actix_web::web::Data;
use actors::{
    Metrics, PairRegistry, Tasks, World,
    ports::{Clock, SystemClock},
};
use prometheus::Registry;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::{
    bus,
    config::{self, BusUrl, ConfigError, Settings, StoreUrl},
    http::{self, RouteSet, Server, State, tls::Identity},
    process,
    reload::Reload,
    shutdown::{self, Readiness, StopSignals},
    store::{self, OpenError, ServingLock, StoreProbe},
    telemetry,
};

/// Why duet did not start, or stopped with an error, in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The bus cannot be used.
    #[error(transparent)]
    Bus(#[from] bus::OpenError),
    /// It cannot listen on an address.
    #[error("{address} cannot be listened on: {error}. {}", advice(setting, .error))]
    Bind {
        /// The setting with the address.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// The operating system's error.
        error: io::Error,
    },
    /// Its threads cannot be started.
    #[error(
        "The {count} threads of server.workers cannot be started: {error}. Allow more open files (LimitNOFILE, \
         ulimit -n) and threads (TasksMax, ulimit -u), or set fewer of them."
    )]
    Threads {
        /// How many there would be.
        count: usize,
        /// The operating system's error.
        error: io::Error,
    },
    /// A second signal cut its shutdown short.
    #[error("duet was told twice to stop, and did not wait for what was under way.")]
    Cut,
    /// The operating system refused something.
    #[error("duet cannot run: {0}.")]
    Io(#[from] io::Error),
}

fn advice(setting: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("Another program has it: stop that one, or choose another port with {setting}.")
        }
        io::ErrorKind::PermissionDenied => {
            format!("Ports below 1024 need permission: choose a higher one with {setting}.")
        }
        _ => format!("Check {setting}."),
    }
}

/// An instance with open sockets, which serves once it is run.
pub struct App {
    /// The address of the pages, with the real port if the settings say 0.
    pub address: SocketAddr,
    /// The address of the API.
    pub api_address: SocketAddr,
    /// The address of health and metrics.
    pub ops_address: SocketAddr,
    public_servers: Vec<Server>,
    settings: config::Server,
    pairs: PairRegistry,
    readiness: Readiness,
    lock: Option<ServingLock>,
    /// The certificate, if it terminates TLS itself.
    pub identity: Option<Arc<Identity>>,
    // Its tasks are aborted when it is dropped.
    _arbiters: Vec<Arbiter>,
}

/// Serves until told to stop. On SIGHUP, `reload` reloads what can change at run time.
///
/// # Errors
/// [`StartError`] if it cannot start.
pub fn serve(settings: Settings, reload: Reload) -> Result<(), StartError> {
    System::new().block_on(async {
        // Before anything is awaited, so that no signal kills the process unprepared.
        let mut stop = StopSignals::listen()?;
        let hangup = signal(SignalKind::hangup())?;
        announce::starting(&settings);
        if let Err(error) = process::keep_memory_out_of_core_files() {
            warn!(%error, "a core file of this process would hold texts");
        }
        raise_open_files(&settings);
        let app = tokio::select! {
            started = App::start(&settings, Arc::new(SystemClock)) => started?,
            () = stop.next() => {
                info!("told to stop before it had started");
                return Ok(());
            }
        };
        announce::running(&settings, &app);
        actix_rt::spawn(reload.watch(hangup, app.identity.clone()));
        let (first, told) = oneshot::channel();
        let told = async {
            // Keeps the sender alive meanwhile.
            let _ = told.await;
        };
        tokio::select! {
            stopped = app.run(told) => stopped,
            () = stop.second_signal(first) => Err(StartError::Cut),
        }
    })
}

fn raise_open_files(settings: &Settings) {
    let streams = settings.limits.streams_per_instance;
    match process::raise_open_files() {
        Ok(open_files) if open_files < streams as u64 => warn!(
            open_files,
            streams,
            "fewer files may be open than limits.streams_per_instance has streams, so connections would wait: \
             raise the limit (LimitNOFILE, ulimit -n), or lower the setting"
        ),
        Ok(_) => {}
        Err(error) => warn!(%error, "the limit of open files cannot be raised"),
    }
}

impl App {
    /// Opens the adapters and sockets that the settings name. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`StartError`] names the cause.
    pub async fn start(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        settings.check_authorities()?;
        let count = settings.workers();
        let arbiters = (0..count).map(|_| Arbiter::try_new());
        let arbiters = arbiters.collect::<io::Result<Vec<_>>>();
        let arbiters = arbiters.map_err(|error| StartError::Threads { count, error })?;
        // With a local bus the instance must be the only one on its store: they could not hear each other.
        let lock = match (&settings.bus.url, &settings.store.url) {
            (BusUrl::Local, _) | (_, StoreUrl::Sqlite(_)) => {
                let lock = || store::lock(&settings.store.url);
                Some(store::open_with_retries(&settings.store, lock).await?)
            }
            (BusUrl::Redis(_), StoreUrl::Postgres(_) | StoreUrl::Shards(_)) => None,
        };
        let listeners = Listeners::bind(settings)?;
        let registry = Registry::new();
        telemetry::describe(&registry, settings);
        let tasks = Tasks::register(&registry);
        let open = || store::open(settings, clock.clone(), &registry);
        let store = store::open_with_retries(&settings.store, open).await?;
        let bus = {
            let (settings, registry) = (settings.bus.clone(), registry.clone());
            let tasks = tasks.clone();
            on(&arbiters[0], async move {
                bus::open(&settings, &registry, &tasks).await
            })
            .await?
        };
        let world = World {
            store: store.clone(),
            bus,
            clock: clock.clone(),
        };
        let handles: Vec<ArbiterHandle> = arbiters.iter().map(Arbiter::handle).collect();
        let pairs = actors::start(
            world,
            settings.limits.of_actors(),
            handles.clone(),
            Metrics::register(&registry),
            &tasks,
        );
        let probe = StoreProbe::register(store, &registry);
        let readiness = Readiness::register(&registry, tasks, probe);
        let state = Data::new(State::new(
            settings,
            listeners.address_of(|routes| routes.pages),
            pairs.clone(),
            clock,
            registry,
            readiness.clone(),
        ));
        actix_rt::spawn(forget_quiet_addresses(state.clone()));
        actix_rt::spawn(watch(readiness.clone()));
        Ok(Self {
            address: listeners.address_of(|routes| routes.pages),
            api_address: listeners.address_of(|routes| routes.api),
            ops_address: listeners.address_of(|routes| routes.ops),
            identity: listeners.identity.clone(),
            public_servers: listeners.serve(settings, &state, &handles)?,
            settings: settings.server.clone(),
            pairs,
            readiness,
            lock,
            _arbiters: arbiters,
        })
    }

    /// Serves until `stop` resolves, then shuts down in order.
    ///
    /// # Errors
    /// [`StartError::Store`] if it stopped because another process serves the same store.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let stopped = tokio::select! {
            () = stop => Ok(()),
            error = lost(&mut self.lock) => Err(error.into()),
        };
        info!("stopping");
        shutdown::drain(
            &self.settings,
            &self.readiness,
            &self.pairs,
            &self.public_servers,
        )
        .await;
        self.pairs.store().close().await;
        info!("stopped");
        stopped
    }
}

/// Resolves when another process serves the same store.
async fn lost(lock: &mut Option<ServingLock>) -> OpenError {
    match lock {
        Some(lock) => lock.lost().await,
        None => std::future::pending().await,
    }
}

/// Runs a future on an arbiter, so that what it spawns stays on it.
async fn on<T: Send + 'static>(
    arbiter: &Arbiter,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let (tell, told) = oneshot::channel();
    arbiter.spawn(async move {
        // The caller awaits the receiver.
        let _ = tell.send(work.await);
    });
    told.await
        .expect("the arbiter runs, and the work does not panic")
}

/// Writes to the store now and then, so that its gauge is true even if nobody asks for health.
async fn watch(readiness: Readiness) {
    let mut interval = actix_rt::time::interval(Duration::from_secs(5));
    let mut away_since: Option<Instant> = None;
    loop {
        interval.tick().await;
        match (readiness.store.check().await, away_since) {
            (Ok(()), Some(since)) => {
                away_since = None;
                let seconds = since.elapsed().as_secs_f64();
                info!(seconds, "the store takes writes again");
            }
            (Err(failure), None) => {
                away_since = Some(Instant::now());
                warn!(%failure, "the store takes no writes");
            }
            _ => {}
        }
    }
}

/// Forgets idle addresses, so that the limits do not grow with every address ever seen.
async fn forget_quiet_addresses(state: Data<State>) {
    let mut interval = actix_rt::time::interval(Duration::from_secs(60));
    loop {
        interval.tick().await;
        state.forget_quiet_addresses();
    }
}

/// The listening sockets, opened first.
struct Listeners {
    sockets: Vec<(TcpListener, SocketAddr, RouteSet)>,
    acceptor: Option<TlsAcceptor>,
    identity: Option<Arc<Identity>>,
}

impl Listeners {
    fn bind(settings: &Settings) -> Result<Self, StartError> {
        let server = &settings.server;
        let pages = RouteSet {
            pages: true,
            api: server.api_bind.is_none(),
            ops: server.ops_bind.is_none(),
        };
        let (mut api, mut ops) = (RouteSet::default(), RouteSet::default());
        (api.api, ops.ops) = (true, true);
        let (acceptor, identity) = http::tls::acceptor(settings)?.unzip();
        let sockets = [
            ("server.bind", Some(server.bind), pages),
            ("server.api_bind", server.api_bind, api),
            ("server.ops_bind", server.ops_bind, ops),
        ]
        .into_iter()
        .filter_map(|(setting, bind, routes)| Some((setting, bind?, routes)))
        .map(|(setting, bind, routes)| {
            let failed = |error| StartError::Bind {
                setting,
                address: bind,
                error,
            };
            let listener = http::listen(bind).map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            Ok((listener, address, routes))
        })
        .collect::<Result<_, StartError>>()?;
        Ok(Self {
            sockets,
            acceptor,
            identity,
        })
    }

    /// The address at which these routes are served.
    fn address_of(&self, which: fn(&RouteSet) -> bool) -> SocketAddr {
        let found = self.sockets.iter().find(|(.., routes)| which(routes));
        found.unwrap_or(&self.sockets[0]).1
    }

    /// Serves on all of them. Returns the servers that a shutdown stops first: operators are answered to its end.
    fn serve(
        self,
        settings: &Settings,
        state: &Data<State>,
        arbiters: &[ArbiterHandle],
    ) -> io::Result<Vec<Server>> {
        let mut public_servers = Vec::new();
        for (listener, _, routes) in self.sockets {
            let is_public = routes.pages || routes.api;
            // Operators connect from inside the network.
            let acceptor = self.acceptor.clone().filter(|_| is_public);
            let server = http::server(listener, settings, acceptor, routes, state, arbiters)?;
            if is_public {
                public_servers.push(server);
            }
        }
        Ok(public_servers)
    }
}
