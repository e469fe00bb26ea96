//! The connection for commands: opened when first needed, and again after it failed.

use std::time::Instant;

use redis::{Pipeline, RedisError, RedisResult, Value};
use tokio::sync::Mutex;

use super::server::{self, Address, Connection, Servers};

/// The shared connection to one server.
pub(super) struct Link {
    address: Address,
    state: Mutex<State>,
}

enum State {
    Down { since: Instant, why: RedisError },
    Up(Connection),
    New,
}

impl State {
    fn down(why: &RedisError) -> Self {
        let (since, why) = (Instant::now(), why.clone());
        Self::Down { since, why }
    }
}

impl Link {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            state: Mutex::new(State::New),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends commands in one go; each has its own answer, which may be an error.
    ///
    /// # Errors When no answer came in time: whether the commands were executed is unknown.
    pub(super) async fn run(
        &self,
        servers: &Servers,
        pipeline: &Pipeline,
    ) -> RedisResult<Vec<Value>> {
        let connection = self.connection(servers).await?;
        let answered = connection.run(pipeline).await;
        let demoted = |answers: &Vec<Value>| {
            let errors = answers.iter().filter_map(|answer| match answer {
                Value::ServerError(error) => Some(RedisError::from(error.clone())),
                _ => None,
            });
            errors.into_iter().find(server::must_reconnect)
        };
        let useless = match &answered {
            // Even when the answer is only late: the server may never answer on this socket again.
            Err(why) => Some(why.clone()),
            Ok(answers) => demoted(answers),
        };
        if let Some(why) = useless {
            self.give_up(&connection, &why).await;
        }
        answered
    }

    /// Callers that arrive during a connection attempt share its outcome.
    async fn connection(&self, servers: &Servers) -> RedisResult<Connection> {
        let asked_at = Instant::now();
        let mut state = self.state.lock().await;
        match &*state {
            State::Up(connection) => return Ok(connection.clone()),
            State::Down { since, why } if *since > asked_at => return Err(why.clone()),
            State::Down { .. } | State::New => {}
        }
        // It has no subscriptions, and so no pushes.
        let connected = servers.connect(&self.address, None).await;
        *state = match &connected {
            Ok(connection) => State::Up(connection.clone()),
            Err(why) => State::down(why),
        };
        connected
    }

    async fn give_up(&self, connection: &Connection, why: &RedisError) {
        let mut state = self.state.lock().await;
        if matches!(&*state, State::Up(current) if current.is(connection)) {
            *state = State::down(why);
        }
    }
}
