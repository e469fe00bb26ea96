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
    Everyone,
    Rivals,
    Duet,
    DuetAndBare,
}

/// One command; `$API`, `$PIDS` and `$ALL_PIDS` stand for where the instances are, their processes, and these with those of
/// PostgreSQL and Redis.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    pub(super) command: String,
    /// A figure's name, and where it stands in the command's JSON.
    pub(super) figures: &'static [(&'static str, &'static str)],
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

const CLOSED: &[(&str, &str)] = &[
    ("closed_per_second", "/delivery/per_second"),
    ("closed_cpu_us_per_message", "/server_cpu_us_per_message"),
];

/// Everything that is measured; quickly, for use while tuning, or at length.
pub(super) fn sessions(quick: bool) -> Vec<Session> {
    let lengths = if quick { QUICK } else { FULL };
    vec![
        streams(),
        talk(lengths),
        idle(),
        idle_h2c(),
        growth(lengths),
        one_instance(lengths),
        embedded(lengths),
        history(lengths),
        history_of_rivals(),
    ]
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

fn measure(
    command: impl Into<String>,
    figures: &'static [(&'static str, &'static str)],
) -> Measurement {
    Measurement {
        command: command.into(),
        figures,
        times: 1,
    }
}

fn streams() -> Session {
    let commands = vec![
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
    ];
    session("streams", Who::Everyone, commands)
}

fn talk(lengths: Lengths) -> Session {
    let Lengths {
        rate_seconds,
        round_seconds,
        refine,
        ..
    } = lengths;
    let at_rate = |rate: u32, figures| {
        measure(
            format!(
                "flow --pairs 200 --rate {rate} --duration {rate_seconds} --warmup 1 --pid $PIDS --api $API"
            ),
            figures,
        )
    };
    let at_2000 = at_rate(
        2000,
        &[
            ("p99_ms_at_2000", "/delivery/p99_ms"),
            ("cpu_cores_at_2000", "/servers/cpu_cores"),
            ("cpu_us_per_message_at_2000", "/server_cpu_us_per_message"),
        ],
    );
    let commands = vec![
        at_rate(500, &[("p50_ms_at_500", "/delivery/p50_ms")]),
        Measurement {
            times: lengths.times_at_2000,
            ..at_2000
        },
        closed_loop(lengths, CLOSED),
        measure(
            format!(
                "ramp --pairs 200 --p99-ms 50 --duration {round_seconds} --refine {refine} --pid $PIDS --api $API"
            ),
            &[("held_per_second", "/knee_per_second")],
        ),
    ];
    session("talk", Who::Everyone, commands)
}

fn idle() -> Session {
    // As long as it takes each stream to get a sign of life.
    let command = "idle --streams 10000 --settle 2 --duration 15 --pid $PIDS --api $API";
    let figures = &[
        ("kib_per_stream", "/kib_per_stream"),
        ("idle_cpu_cores", "/servers/cpu_cores"),
    ];
    session("idle", Who::DuetAndBare, vec![measure(command, figures)])
}

fn idle_h2c() -> Session {
    let command = "idle --h2c --streams 10000 --settle 2 --duration 2 --pid $PIDS --api $API";
    let figures = &[("kib_per_stream_h2c", "/kib_per_stream")];
    session(
        "idle-h2c",
        Who::DuetAndBare,
        vec![measure(command, figures)],
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

fn closed_loop(lengths: Lengths, figures: &'static [(&'static str, &'static str)]) -> Measurement {
    let seconds = lengths.closed_seconds;
    measure(
        format!(
            "flow --pairs 200 --concurrency 64 --duration {seconds} --warmup 1 --pid $PIDS --api $API"
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
            vec![closed_loop(lengths, figures)],
        )
    }
}

fn embedded(lengths: Lengths) -> Session {
    let figures = &[("closed_per_second_embedded", "/delivery/per_second")];
    Session {
        ground: Ground::Embedded,
        ..session("embedded", Who::Duet, vec![closed_loop(lengths, figures)])
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
