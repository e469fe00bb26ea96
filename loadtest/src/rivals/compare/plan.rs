//! What is measured: the commands of this tool, in the order they are given, and which of their figures count.

use super::contender::Ground;

/// Commands that one contender is given in turn, on one start of its instances.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The word that chooses it.
    pub(super) name: &'static str,
    pub(super) who: Who,
    pub(super) ground: Ground,
    pub(super) commands: Vec<Measurement>,
    /// Filling a chat of a million messages takes long, and the pages are asked for often enough in one go.
    pub(super) once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    /// duet and the rivals that speak its API.
    Api,
    Rivals,
    Duet,
    DuetAndBare,
    /// The systems that Debian packages.
    Packaged,
    Nchan,
}

/// One command; `$API`, `$PIDS`, `$BESIDE` and `$ALL_PIDS` stand for where the instances are, their processes, those of
/// PostgreSQL and Redis, and all of these.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    pub(super) command: String,
    pub(super) figures: Figures,
    pub(super) times: usize,
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    rate_seconds: u32,
    closed_seconds: u32,
    round_seconds: f64,
    refine: u32,
    silent_chats: u32,
    long_chat: u32,
    times_at_2000: usize,
}

/// Figures' names, and where they stand in a command's JSON.
pub(super) type Figures = &'static [(&'static str, &'static str)];

const FULL: Lengths = Lengths {
    rate_seconds: 8,
    closed_seconds: 8,
    round_seconds: 2.5,
    refine: 2,
    silent_chats: 99_000,
    long_chat: 1_000_000,
    times_at_2000: 2,
};

const QUICK: Lengths = Lengths {
    rate_seconds: 4,
    closed_seconds: 4,
    round_seconds: 1.5,
    refine: 1,
    silent_chats: 9_000,
    long_chat: 50_000,
    times_at_2000: 1,
};

const AT_500: Figures = &[("p50_ms_at_500", "/delivery/p50_ms")];

const AT_2000: Figures = &[
    ("p99_ms_at_2000", "/delivery/p99_ms"),
    ("p999_ms_at_2000", "/delivery/p999_ms"),
    ("cpu_us_per_message_at_2000", "/server_cpu_us_per_message"),
    ("all_cpu_us_per_message_at_2000", "/all_cpu_us_per_message"),
];

const BY_64: Figures = &[
    ("closed_per_second", "/delivery/per_second"),
    ("closed_cpu_us_per_message", "/server_cpu_us_per_message"),
];

const BY_256: Figures = &[
    ("closed_per_second_of_256", "/delivery/per_second"),
    ("cpu_us_per_message_of_256", "/server_cpu_us_per_message"),
    ("all_cpu_us_per_message_of_256", "/all_cpu_us_per_message"),
];

/// Everything that is measured; quickly, for use while tuning, or at length. Instructions are counted where the machine can.
pub(super) fn sessions(quick: bool, counts_instructions: bool) -> Vec<Session> {
    let lengths = if quick { QUICK } else { FULL };
    let mut sessions = vec![
        session("streams", Who::Api, streams()),
        session("streams", Who::Nchan, streams()),
        session("talk", Who::Api, talk(lengths)),
        session("talk", Who::Packaged, talk_of_packaged(lengths)),
        session("idle", Who::DuetAndBare, vec![idle()]),
        session("idle", Who::Nchan, vec![idle()]),
        session("idle-h2c", Who::DuetAndBare, vec![idle_h2c()]),
        growth(lengths),
        one_instance(lengths),
        embedded(lengths),
        history(lengths),
        history_of_rivals(),
    ];
    if counts_instructions {
        for who in [Who::Api, Who::Packaged] {
            sessions.push(session("instructions", who, instructions(lengths)));
        }
    }
    sessions
}

fn session(name: &'static str, who: Who, commands: Vec<Measurement>) -> Session {
    Session {
        name,
        who,
        ground: Ground::Two,
        commands,
        once: false,
    }
}

fn measure(command: impl Into<String>, figures: Figures) -> Measurement {
    Measurement {
        command: command.into(),
        figures,
        times: 1,
    }
}

fn streams() -> Vec<Measurement> {
    vec![
        measure(
            "idle --streams 8000 --settle 2 --duration 2 --pid $PIDS --api $API",
            &[
                ("opening_8000_seconds", "/opening_seconds"),
                ("kib_per_stream_of_8000", "/kib_per_stream"),
            ],
        ),
        measure(
            "storm --streams 4000 --pid $PIDS --api $API",
            &[
                ("storm_seconds", "/whole_seconds"),
                ("storm_refused_without_word", "/refused_without_word"),
            ],
        ),
    ]
}

fn talk(lengths: Lengths) -> Vec<Measurement> {
    let Lengths {
        round_seconds,
        refine,
        times_at_2000,
        ..
    } = lengths;
    vec![
        at_rate(500, lengths, AT_500),
        Measurement {
            times: times_at_2000,
            ..at_rate(2000, lengths, AT_2000)
        },
        closed_loop(64, lengths, BY_64),
        closed_loop(256, lengths, BY_256),
        measure(
            format!(
                "ramp --pairs 200 --p99-ms 50 --duration {round_seconds} --refine {refine} --pid $PIDS --api $API"
            ),
            &[("held_per_second", "/knee_per_second")],
        ),
    ]
}

fn talk_of_packaged(lengths: Lengths) -> Vec<Measurement> {
    vec![
        at_rate(500, lengths, AT_500),
        closed_loop(64, lengths, BY_64),
        closed_loop(256, lengths, BY_256),
    ]
}

/// Apart from all other measurements, so that the counting is in no figure but its own.
fn instructions(lengths: Lengths) -> Vec<Measurement> {
    let counted = |flow: Measurement, figures| Measurement {
        command: flow.command.replacen("flow ", "flow --instructions ", 1),
        figures,
        times: 1,
    };
    vec![
        counted(
            at_rate(500, lengths, &[]),
            &[(
                "instructions_per_message_at_500",
                "/instructions_per_message",
            )],
        ),
        counted(
            closed_loop(256, lengths, &[]),
            &[(
                "instructions_per_message_of_256",
                "/instructions_per_message",
            )],
        ),
    ]
}

fn at_rate(rate: u32, lengths: Lengths, figures: Figures) -> Measurement {
    flow(&format!("--rate {rate}"), lengths.rate_seconds, figures)
}

fn idle() -> Measurement {
    // As long as it takes each stream to get a sign of life.
    measure(
        "idle --streams 10000 --settle 2 --duration 15 --pid $PIDS --api $API",
        &[
            ("kib_per_stream", "/kib_per_stream"),
            ("idle_cpu_cores", "/servers/cpu_cores"),
        ],
    )
}

fn idle_h2c() -> Measurement {
    measure(
        "idle --h2c --streams 10000 --settle 2 --duration 2 --pid $PIDS --api $API",
        &[("kib_per_stream_h2c", "/kib_per_stream")],
    )
}

fn growth(lengths: Lengths) -> Session {
    let talk = format!(
        "flow --pairs 1000 --rate 2000 --duration {} --warmup 1 --pid $ALL_PIDS --api $API",
        lengths.rate_seconds
    );
    let commands = vec![
        measure(
            talk.clone(),
            &[(
                "cpu_us_per_message_at_few_chats",
                "/server_cpu_us_per_message",
            )],
        ),
        measure(
            format!("{talk} --silent-chats {}", lengths.silent_chats),
            &[(
                "cpu_us_per_message_at_many_chats",
                "/server_cpu_us_per_message",
            )],
        ),
    ];
    session("growth", Who::Duet, commands)
}

fn closed_loop(senders: u32, lengths: Lengths, figures: Figures) -> Measurement {
    flow(
        &format!("--concurrency {senders}"),
        lengths.closed_seconds,
        figures,
    )
}

fn flow(sending: &str, seconds: u32, figures: Figures) -> Measurement {
    measure(
        format!(
            "flow --pairs 200 {sending} --duration {seconds} --warmup 1 --pid $PIDS --beside $BESIDE --api $API"
        ),
        figures,
    )
}

fn one_instance(lengths: Lengths) -> Session {
    let figures = &[("closed_per_second_one_instance", "/delivery/per_second")];
    Session {
        ground: Ground::One,
        ..session(
            "one-instance",
            Who::Duet,
            vec![closed_loop(64, lengths, figures)],
        )
    }
}

fn embedded(lengths: Lengths) -> Session {
    let figures = &[("closed_per_second_embedded", "/delivery/per_second")];
    Session {
        ground: Ground::Embedded,
        ..session(
            "embedded",
            Who::Duet,
            vec![closed_loop(64, lengths, figures)],
        )
    }
}

fn history(lengths: Lengths) -> Session {
    let command = format!("history --messages {} --api $API", lengths.long_chat);
    let figures = &[
        ("last_page_ms", "/last/p50_ms"),
        ("last_page_against_first", "/last_against_first"),
    ];
    Session {
        once: true,
        ..session("history", Who::Duet, vec![measure(command, figures)])
    }
}

fn history_of_rivals() -> Session {
    let command = "history --messages 10000 --api $API";
    Session {
        once: true,
        ..session(
            "history",
            Who::Rivals,
            vec![measure(command, &[("last_page_ms", "/last/p50_ms")])],
        )
    }
}
