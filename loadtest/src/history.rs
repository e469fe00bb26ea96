//! `history`: pages of a long chat, the last against the first.
//!
//! The chat is filled through the API first, then single pages are asked for in turn, from its beginning, its middle and
//! its end, so that whatever else the machine does meets all three alike.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use clap::Args;
use futures_util::future::try_join_all;
use harness::{
    checker::Seat,
    client::{ApiError, Client, Cursor, send_until_settled},
};
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    meter::latencies_us,
    options::{Servers, ServersError, at_least_one, text_len},
    page::Page,
    pairs::{self, Pair},
    plot,
    progress::Progress,
    report::{Outcome, Report},
    text::Texts,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Options of `history`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to.
    #[command(flatten)]
    pub servers: Servers,

    /// How many messages the chat has.
    #[arg(long, default_value_t = 10_000, value_parser = at_least_one, value_name = "N")]
    pub messages: usize,

    /// How many senders fill the chat. The limits on sends of one seat should be out of the way.
    #[arg(long, default_value_t = 256, value_parser = at_least_one, value_name = "C")]
    pub concurrency: usize,

    /// Size of each text in bytes of UTF-8.
    #[arg(long, default_value_t = 100, value_parser = text_len, value_name = "N")]
    pub text_bytes: usize,

    /// Messages on a page.
    #[arg(long, default_value_t = 50, value_parser = page_len, value_name = "N")]
    pub page: u32,

    /// How often each page is asked for.
    #[arg(long, default_value_t = 300, value_parser = at_least_one, value_name = "N")]
    pub samples: usize,
}

fn page_len(text: &str) -> Result<u32, String> {
    let len = text.parse().ok().filter(|len| (1..=200).contains(len));
    len.ok_or_else(|| "a page has 1 to 200 messages".to_owned())
}

/// Why the run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The servers cannot be driven as asked.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The chat could not be filled.
    #[error("the chat could not be filled: {0}")]
    Filling(ApiError),
    /// Not even one page could be read.
    #[error("no page could be read: {0}")]
    Reading(ApiError),
}

/// The report of a `history` run.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryReport {
    /// Where the servers are.
    pub api: Vec<String>,
    /// Messages in the chat.
    pub messages: usize,
    /// Messages on a page.
    pub page: u32,
    /// How many messages were stored in the one chat each second while it was filled.
    pub filled_per_second: f64,
    /// The page at the chat's beginning.
    pub first: PageLatency,
    /// The one in its middle.
    pub middle: PageLatency,
    /// The one at its end.
    pub last: PageLatency,
    /// How much longer the last page takes than the first, by their medians.
    pub last_against_first: f64,
    /// Pages that were not the ones asked for.
    pub other_pages: u64,
    /// The first of them.
    pub first_other: Option<String>,
    /// Why a page could not be read, with which the run ended.
    pub unread: Option<String>,
}

/// How long a page took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PageLatency {
    /// Half of them took no longer; in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<HistoryReport, HistoryError> {
    let clients = options.servers.clients().await?;
    let pairs = pairs::gather(&clients, 1, progress)
        .await
        .map_err(HistoryError::Filling)?;
    let began = Instant::now();
    fill(&clients, &pairs[0], options, progress)
        .await
        .map_err(HistoryError::Filling)?;
    let filled_per_second = options.messages as f64 / began.elapsed().as_secs_f64();

    let (len, page) = (options.messages as u64, u64::from(options.page));
    // What is asked for, and the first seq that must come.
    let places = [
        (Cursor::After(0), 1),
        (Cursor::After(len / 2), len / 2 + 1),
        (Cursor::Before(len + 1), len.saturating_sub(page) + 1),
    ];
    let mut latencies = places.map(|_| latencies_us(3));
    progress.say(format!(
        "asking for {} pages",
        options.samples * places.len()
    ));
    let (mut other_pages, mut first_other, mut unread) = (0, None, None);
    'asking: for sample in 0..options.samples {
        let client = &clients[sample % clients.len()];
        for ((cursor, first), latency_us) in places.into_iter().zip(&mut latencies) {
            let asked = Instant::now();
            let session = pairs[0].session(Seat::BOTH[sample % 2]);
            let answer = client.history(session, cursor, options.page).await;
            let took = asked.elapsed();
            let messages = match answer {
                Ok(page) => page.messages,
                Err(error) if sample == 0 => return Err(HistoryError::Reading(error)),
                Err(error) => {
                    unread = Some(error.to_string());
                    break 'asking;
                }
            };
            latency_us.saturating_record(took.as_micros() as u64);
            let seqs: Vec<u64> = messages.iter().map(|message| message.seq).collect();
            let wanted = (len + 1 - first).min(page);
            if !seqs.iter().copied().eq(first..first + wanted) {
                other_pages += 1;
                first_other.get_or_insert_with(|| {
                    format!("a page of {wanted} messages from seq {first} was asked for, and seq {seqs:?} came")
                });
            }
        }
    }
    let [first, middle, last] = latencies.map(|latencies_us| PageLatency::of(&latencies_us));
    Ok(HistoryReport {
        api: options.servers.api.clone(),
        messages: options.messages,
        page: options.page,
        filled_per_second,
        first,
        middle,
        last,
        last_against_first: last.p50_ms / first.p50_ms,
        other_pages,
        first_other,
        unread,
    })
}

async fn fill(
    clients: &[Client],
    pair: &Pair,
    options: &Options,
    progress: &Progress,
) -> Result<(), ApiError> {
    let texts = Texts::of(options.text_bytes);
    let (next, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    let messages = options.messages as u64;
    let sender = async || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= messages {
                return Ok(());
            }
            let session = pair.session(Seat::BOTH[(number % 2) as usize]);
            let text = texts.text(number);
            let message = (Uuid::new_v4(), text.as_str());
            // One instance, whose journal then takes many of them in one commit.
            send_until_settled(clients, 0, session, message, PATIENCE, |_| {}).await?;
            sent.fetch_add(1, Relaxed);
        }
    };
    let senders = try_join_all((0..options.concurrency).map(|_| sender()));
    progress
        .during(
            format!("filling one chat with {messages} messages"),
            (messages, "messages"),
            || sent.load(Relaxed),
            senders,
        )
        .await
        .map(drop)
}

impl PageLatency {
    fn of(latencies_us: &Histogram<u64>) -> Self {
        let at = |quantile| latencies_us.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: latencies_us.max() as f64 / 1e3,
        }
    }
}

impl HistoryReport {
    fn places(&self) -> [(&'static str, &PageLatency); 3] {
        [
            ("first page", &self.first),
            ("middle page", &self.middle),
            ("last page", &self.last),
        ]
    }
}

impl Report for HistoryReport {
    fn outcome(&self) -> Outcome {
        match (self.other_pages, &self.unread) {
            (0, None) => Outcome::Kept,
            (0, Some(_)) => Outcome::Incomplete,
            _ => Outcome::Broken,
        }
    }

    fn page(&self) -> Page {
        let groups = self
            .places()
            .map(|(place, took)| (place, vec![Some(took.p50_ms), Some(took.p99_ms)]));
        Page::titled("Pages of a long chat")
            .columns(self.to_string())
            .figure(
                "How long a page took.",
                plot::bars("ms", &["p50", "p99"], &groups),
            )
    }
}

impl fmt::Display for HistoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "pages of {} messages in a chat of {}, at {}",
            self.page,
            self.messages,
            self.api.join(", ")
        )?;
        writeln!(
            f,
            "it was filled with {:.0} messages a second\n",
            self.filled_per_second
        )?;
        writeln!(
            f,
            "{:<16}{:>9}{:>9}{:>9}",
            "latency in ms", "p50", "p99", "max"
        )?;
        for (place, took) in self.places() {
            writeln!(
                f,
                "{place:<16}{:>9.2}{:>9.2}{:>9.2}",
                took.p50_ms, took.p99_ms, took.max_ms
            )?;
        }
        write!(f, "\nlast against first: {:.2} ×", self.last_against_first)?;
        if let Some(first) = &self.first_other {
            write!(
                f,
                "\nBROKEN: {} other pages than those asked for; {first}",
                self.other_pages
            )?;
        }
        if let Some(why) = &self.unread {
            write!(
                f,
                "\na page could not be read, and no more were asked for: {why}"
            )?;
        }
        Ok(())
    }
}
