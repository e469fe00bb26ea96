//! What the bus brings, handed to the pair it is for; and what it lost, read from the store.

use std::{collections::HashSet, time::Duration};

use crate::{
    Directory,
    domain::ChatKey,
    pair::{News, Relayed},
    sweeper,
};

/// Chats read again at once, and the pause between.
const CATCH_UP_LEN: usize = 50;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(20);

/// Hands over notices for ever.
pub(crate) async fn run(directory: Directory) {
    loop {
        let (key, notice) = directory.shared().inbox.next().await;
        directory.tell(key, News::Relayed(Relayed(notice)));
    }
}

/// Makes good what was missed: first the messages, which take one query for many chats; then
/// everything else, at a pace that leaves the store to those who talk.
pub(crate) async fn catch_up(directory: Directory) {
    let inbox = &directory.shared().inbox;
    let mut unread: HashSet<ChatKey> = HashSet::new();
    loop {
        let missed = match unread.is_empty() {
            true => inbox.missed().await,
            false => inbox.take_missed(),
        };
        let news: Vec<ChatKey> = match missed.all {
            true => directory.keys(|_| true),
            false => missed.keys.into_iter().collect(),
        };
        sweeper::compare(&directory, &news).await;
        unread.extend(news);
        let part: Vec<ChatKey> = unread.iter().take(CATCH_UP_LEN).copied().collect();
        for key in part {
            unread.remove(&key);
            directory.tell(key, News::CatchUp);
        }
        tokio::time::sleep(CATCH_UP_PAUSE).await;
    }
}
