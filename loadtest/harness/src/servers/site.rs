//! Instances on PostgreSQL and Redis with a proxy before them, as people reach them.

use std::path::Path;

use super::{
    Balancer, Identity, Instance, Kind, Postgres, Redis, Shape, StartError, instance::setting,
};

/// A running site. What it consists of is stopped when it is dropped, and leaves nothing.
#[derive(Debug)]
pub struct Site {
    /// What people reach.
    pub balancer: Balancer,
    /// The instances, in the order of the shape's roles.
    pub instances: Vec<Instance>,
    _postgres: Vec<Postgres>,
    _redis: Redis,
}

impl Site {
    /// Starts everything over so many PostgreSQL servers: at this port, by TLS if there is an identity, which must be one for
    /// `localhost`.
    ///
    /// # Errors
    /// [`StartError`] says what is missing or in the way.
    pub fn start(
        program: &Path,
        postgres_servers: usize,
        (kind, shape): (Kind, Shape),
        port: u16,
        identity: Option<&Identity>,
        settings: &[(&str, &str)],
    ) -> Result<Self, StartError> {
        let postgres = (0..postgres_servers)
            .map(|_| Postgres::start())
            .collect::<Result<Vec<_>, _>>()?;
        let redis = Redis::start()?;
        let urls: Vec<String> = postgres.iter().map(Postgres::url).collect();
        let store = match &urls[..] {
            [url] => setting("store.url", url),
            urls => setting("store.urls", urls.join(" ")),
        };
        let scheme = if identity.is_some() { "https" } else { "http" };
        let start = |role: &&str| {
            let mut environment = vec![
                setting("server.role", role),
                setting("server.public_url", format!("{scheme}://localhost:{port}")),
                setting("server.trusted_proxies", "127.0.0.1/32"),
                store.clone(),
                setting("bus.url", redis.url()),
            ];
            environment.extend(settings.iter().map(|(name, value)| setting(name, value)));
            Instance::start(program, environment)
        };
        let instances = shape
            .roles()
            .iter()
            .map(start)
            .collect::<Result<Vec<_>, _>>()?;
        let ports: Vec<u16> = instances.iter().map(Instance::port).collect();
        Ok(Self {
            balancer: Balancer::start(kind, shape, port, identity, &ports)?,
            instances,
            _postgres: postgres,
            _redis: redis,
        })
    }
}
