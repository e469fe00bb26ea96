//! The people of a run: pairs that are registered and logged in before anything is measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use harness::{
    checker::Seat,
    client::{ApiError, Client, Retry, Session},
};

use crate::progress::Progress;

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
pub async fn gather(
    clients: &Arc<[Client]>,
    count: usize,
    progress: &Progress,
) -> Result<Vec<Pair>, ApiError> {
    let what = format!("registering {count} pairs and logging both people in");
    many(clients, count, (&what, "pairs"), progress, enter).await
}

/// Registers `count` chats that nobody enters.
pub async fn register(
    clients: &Arc<[Client]>,
    count: usize,
    progress: &Progress,
) -> Result<(), ApiError> {
    if count == 0 {
        return Ok(());
    }
    let what = format!("registering {count} chats in which nobody talks");
    let made = many(clients, count, (&what, "chats"), progress, async |client| {
        client.register(NAMES[0], NAMES[1], None).await.map(drop)
    });
    made.await.map(drop)
}

/// Makes `count` of something, some at a time, and tries again where a server is away or asks to wait.
async fn many<T>(
    clients: &[Client],
    count: usize,
    (what, unit): (&str, &'static str),
    progress: &Progress,
    make: impl AsyncFn(&Client) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let (next, made) = (AtomicU64::new(0), AtomicU64::new(0));
    let told = AtomicBool::new(false);
    let (next, made, told, make) = (&next, &made, &told, &make);
    let maker = async || {
        let mut mine = Vec::new();
        loop {
            let number = next.fetch_add(1, Relaxed) as usize;
            if number >= count {
                return Ok(mine);
            }
            let mut retry = Retry::for_up_to(PATIENCE);
            loop {
                // A chat that was made but not entered because an instance went away is left behind: it expires by itself.
                match make(&clients[(number + retry.attempts()) % clients.len()]).await {
                    Ok(one) => break mine.push(one),
                    Err(error) => {
                        if error.is_transient() && !told.swap(true, Relaxed) {
                            let patience = PATIENCE.as_secs();
                            progress
                                .tell(format!("{error}: trying again, for {patience} s at most"));
                        }
                        retry.pause(error).await?;
                    }
                }
            }
            made.fetch_add(1, Relaxed);
        }
    };
    let makers = try_join_all((0..AT_ONCE_MAX).map(|_| maker()));
    let done = || made.load(Relaxed);
    let made = progress.during(what, (count as u64, unit), done, makers);
    Ok(made.await?.into_iter().flatten().collect())
}

async fn enter(client: &Client) -> Result<Pair, ApiError> {
    let hash = client.register(NAMES[0], NAMES[1], None).await?.hash;
    let one = client.login(&hash, NAMES[0], None).await?;
    let two = client.login(&hash, NAMES[1], None).await?;
    Ok(Pair([Arc::new(one), Arc::new(two)]))
}
