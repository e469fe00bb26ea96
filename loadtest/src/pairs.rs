//! The people of a run: pairs that are registered and logged in before anything is measured.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    checker::Seat,
    client::{ApiError, Client, Retry, Session},
};

/// One name with a letter outside ASCII, since names stand in paths.
const NAMES: [&str; 2] = ["Ada", "Zoë"];
/// Enough to keep two cores busy without filling any server's queue.
const AT_ONCE_MAX: usize = 32;
/// A server that limits registrations is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Two people in one chat, both logged in.
#[derive(Clone, Debug)]
pub struct Pair([Arc<Session>; 2]);

impl Pair {
    /// The login at this seat.
    pub fn session(&self, seat: Seat) -> &Arc<Session> {
        match seat {
            Seat::One => &self.0[0],
            Seat::Two => &self.0[1],
        }
    }
}

/// Registers `count` pairs and logs both people in, spread over the instances.
pub async fn gather(clients: &Arc<[Client]>, count: usize) -> Result<Vec<Pair>, ApiError> {
    let at_once = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut making = JoinSet::new();
    for number in 0..count {
        let (clients, at_once) = (Arc::clone(clients), Arc::clone(&at_once));
        making.spawn(async move {
            let _turn = at_once
                .acquire()
                .await
                .expect("the semaphore is never closed");
            make(&clients, number).await
        });
    }
    let mut pairs = Vec::with_capacity(count);
    while let Some(made) = making.join_next().await {
        pairs.push(made.expect("making a pair does not panic")?);
    }
    Ok(pairs)
}

async fn make(clients: &[Client], number: usize) -> Result<Pair, ApiError> {
    let mut retry = Retry::for_up_to(PATIENCE);
    loop {
        // A chat that was made but not entered because an instance went away is left behind: it expires by itself.
        match attempt(&clients[(number + retry.attempts()) % clients.len()]).await {
            Ok(pair) => return Ok(pair),
            Err(error) => retry.pause(error).await?,
        }
    }
}

async fn attempt(client: &Client) -> Result<Pair, ApiError> {
    let hash = client.register(NAMES[0], NAMES[1], None).await?.hash;
    let one = client.login(&hash, NAMES[0], None).await?;
    let two = client.login(&hash, NAMES[1], None).await?;
    Ok(Pair([Arc::new(one), Arc::new(two)]))
}
