//! A private cluster: PostgreSQL, Redis, and instances of duet that reach both through fault
//! proxies of their own, so that one of them can be cut off alone.

use std::{path::Path, time::Duration};

use tokio::task::spawn_blocking;

use super::{Instance, Postgres, Proxy, Redis, StartError, instance};

/// Two or more instances on one Redis and one PostgreSQL, or on several that share the chats.
#[derive(Debug)]
pub struct Cluster {
    /// Keeps the chats. The one to which faults happen, where there are several.
    pub postgres: Postgres,
    /// Those that keep chats beside it.
    pub more_postgres: Vec<Postgres>,
    /// Carries the notices.
    pub redis: Redis,
    /// The instances.
    pub members: Vec<Member>,
}

/// One instance, and the ways from it to the others.
#[derive(Debug)]
pub struct Member {
    /// The instance.
    pub instance: Instance,
    /// Its way to PostgreSQL.
    pub to_postgres: Proxy,
    /// Its ways to the other PostgreSQL servers.
    pub to_more_postgres: Vec<Proxy>,
    /// Its way to Redis.
    pub to_redis: Proxy,
}

impl Cluster {
    /// Starts everything. The clock of the last instance is ahead by `clocks_apart`.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub async fn start(
        program: &Path,
        size: usize,
        clocks_apart: Duration,
    ) -> Result<Self, StartError> {
        Self::over(1, program, size, clocks_apart).await
    }

    /// The same over so many PostgreSQL servers.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn over(
        postgres_servers: usize,
        program: &Path,
        size: usize,
        clocks_apart: Duration,
    ) -> Result<Self, StartError> {
        let (postgres, redis) =
            tokio::join!(in_background(Postgres::start), in_background(Redis::start));
        let mut cluster = Self {
            postgres: postgres?,
            more_postgres: Vec::new(),
            redis: redis?,
            members: Vec::with_capacity(size),
        };
        for _ in 1..postgres_servers {
            let more = in_background(Postgres::start).await?;
            cluster.more_postgres.push(more);
        }
        for number in 0..size {
            let ahead = match number + 1 == size {
                true => clocks_apart,
                false => Duration::ZERO,
            };
            let member = cluster.member(program, ahead).await?;
            cluster.members.push(member);
        }
        Ok(cluster)
    }

    async fn member(&self, program: &Path, ahead: Duration) -> Result<Member, StartError> {
        let to_postgres = Proxy::start(self.postgres.port()).await?;
        let mut to_more_postgres = Vec::new();
        for postgres in &self.more_postgres {
            to_more_postgres.push(Proxy::start(postgres.port()).await?);
        }
        let to_redis = Proxy::start(self.redis.port()).await?;
        let databases: Vec<String> = std::iter::once(&to_postgres)
            .chain(&to_more_postgres)
            .map(|way| Postgres::url_at(way.port()))
            .collect();
        let store = match &databases[..] {
            [url] => instance::setting("store.url", url),
            urls => instance::setting("store.urls", urls.join(" ")),
        };
        let mut environment = vec![
            store,
            instance::setting("bus.url", Redis::url_at(to_redis.port())),
        ];
        if !ahead.is_zero() {
            environment.extend(instance::clock_ahead(ahead)?);
        }
        let program = program.to_owned();
        let instance = in_background(move || Instance::start(&program, environment)).await?;
        Ok(Member {
            instance,
            to_postgres,
            to_more_postgres,
            to_redis,
        })
    }

    /// All servers that keep chats.
    pub fn databases(&self) -> impl Iterator<Item = &Postgres> {
        std::iter::once(&self.postgres).chain(&self.more_postgres)
    }

    /// Where the instances are.
    pub fn urls(&self) -> Vec<String> {
        let urls = self.members.iter().map(|member| member.instance.url());
        urls.collect()
    }
}

async fn in_background<T: Send + 'static>(
    start: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    spawn_blocking(start)
        .await
        .expect("starting a server does not panic")
}
