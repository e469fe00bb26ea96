//! A private cluster: PostgreSQL, Redis, and instances of duet that reach both through fault
//! proxies of their own, so that one of them can be cut off alone.

use std::{path::Path, time::Duration};

use tokio::task::spawn_blocking;

use super::{Instance, Postgres, Proxy, Redis, StartError, instance};

/// Two or more instances on one PostgreSQL and one Redis.
#[derive(Debug)]
pub struct Cluster {
    /// Keeps the chats.
    pub postgres: Postgres,
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
        let (postgres, redis) =
            tokio::join!(in_background(Postgres::start), in_background(Redis::start));
        let mut cluster = Self {
            postgres: postgres?,
            redis: redis?,
            members: Vec::with_capacity(size),
        };
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
        let to_redis = Proxy::start(self.redis.port()).await?;
        let mut environment = vec![
            instance::setting("store.url", Postgres::url_at(to_postgres.port())),
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
            to_redis,
        })
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
