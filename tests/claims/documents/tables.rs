//! The tables of `docs/api.md` say what the code says: failures, events, limits.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use config::{Config, File, FileFormat};
use duet::{
    config::DEFAULT,
    http::{api::docs::OPENAPI, problem::words::WORDS},
};
use reqwest::StatusCode;
use serde_json::Value;

use super::root;

fn document() -> String {
    fs::read_to_string(root().join("docs/api.md")).unwrap()
}

/// The rows of the table that begins with this line.
fn rows(head: &str) -> Vec<String> {
    let document = document();
    let (_, rest) = document.split_once(head).expect("the table is there");
    let lines = rest.lines().skip(2);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect()
}

fn is_the_table(head: &str, expected: &[String]) {
    let found = rows(head);
    assert!(
        found == expected,
        "the table in docs/api.md should be:\n{head}\n{}",
        expected.join("\n")
    );
}

#[test]
fn every_error_word_is_documented_with_its_statuses() {
    let expected = WORDS.iter().map(|word| {
        let statuses: Vec<String> = word.statuses.iter().map(u16::to_string).collect();
        format!(
            "| {} | `{}` | {} |",
            statuses.join(", "),
            word.error,
            word.cure
        )
    });
    let expected: Vec<String> = expected.collect();
    is_the_table("| status | `error` | what to do |", &expected);
}

#[test]
fn the_words_are_those_that_the_code_answers_with() {
    let mut found = BTreeSet::new();
    for source in sources(&root().join("src/http")) {
        found.extend(words_of(&source));
    }
    let known = WORDS.iter().flat_map(|word| {
        let statuses = word.statuses.iter();
        statuses.map(|status| (*status, word.error.to_owned()))
    });
    assert_eq!(known.collect::<BTreeSet<_>>(), found);
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_rust = |path: &Path| path.extension().is_some_and(|kind| kind == "rs");
    paths
        .into_iter()
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false if is_rust(&path) => vec![fs::read_to_string(path).unwrap()],
            false => Vec::new(),
        })
        .collect()
}

/// What a file answers with: a word behind a status, as in `S::CONFLICT, "seat_taken"`. Where the status is chosen by a function,
/// every one that it names.
fn words_of(source: &str) -> Vec<(u16, String)> {
    let mut found = Vec::new();
    for (at, separator) in source.match_indices("::") {
        let rest = &source[at + separator.len()..];
        let name = rest
            .split(|c: char| !c.is_ascii_uppercase() && c != '_')
            .next();
        let Some(status) = name.and_then(status_of) else {
            continue;
        };
        let behind = &rest[name.unwrap_or_default().len()..];
        if let Some(word) = word_behind(behind) {
            found.push((status, word.to_owned()));
        }
    }
    if let Some((before, after)) = source.split_once("fn replaced_by(") {
        assert!(before.contains("(status, \"replaced\", message)"));
        let names = after.split("S::").skip(1);
        let names = names.filter_map(|rest| rest.split(',').next());
        found.extend(
            names
                .filter_map(status_of)
                .map(|status| (status, "replaced".into())),
        );
    }
    found
}

fn status_of(name: &str) -> Option<u16> {
    (400..600).find(|code| {
        let status = StatusCode::from_u16(*code).ok();
        let reason = status.and_then(|status| status.canonical_reason());
        reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == name)
    })
}

/// The word in `, "word"`, and none in `, "A sentence."`.
fn word_behind(text: &str) -> Option<&str> {
    let text = text.trim_start().strip_prefix(',')?.trim_start();
    let word = text.strip_prefix('"')?.split('"').next()?;
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    word.chars().all(is_word).then_some(word)
}

#[test]
fn every_event_is_documented_with_all_its_fields() {
    let description: Value = serde_json::from_str(&OPENAPI).unwrap();
    let kinds = &description["components"]["schemas"]["StreamEvent"]["oneOf"];
    let mut expected = Vec::new();
    for kind in kinds.as_array().unwrap() {
        let event = kind["properties"]["event"]["enum"][0].as_str().unwrap();
        let schema = &kind["properties"]["data"]["contentSchema"];
        let before = expected.len();
        add_fields(&description, event, "", schema, &mut expected);
        if expected.len() == before {
            expected.push(format!(
                "| `{event}` | | | {} |",
                sentence(resolved(&description, schema))
            ));
        }
    }
    is_the_table("| event | field of `data` | holds | meaning |", &expected);
}

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

fn sentence(schema: &Value) -> String {
    schema["description"].as_str().unwrap().replace('\n', " ")
}

fn add_fields(all: &Value, event: &str, within: &str, schema: &Value, rows: &mut Vec<String>) {
    let schema = resolved(all, schema);
    let required: Vec<&str> = match schema["required"].as_array() {
        Some(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        None => Vec::new(),
    };
    let Some(fields) = schema["properties"].as_object() else {
        return;
    };
    // The required ones in the order of the wire, then the others.
    let others = fields.keys().map(String::as_str);
    let others = others.filter(|name| !required.contains(name));
    for name in required.iter().copied().chain(others) {
        let field = &fields[name];
        let nullable = field["oneOf"].as_array();
        let bare = match nullable {
            Some(alternatives) => alternatives
                .iter()
                .find(|one| one["type"] != "null")
                .unwrap(),
            None => field,
        };
        let told = match (nullable, &field["type"]) {
            (Some(_), _) => ", or null",
            (None, Value::Array(types)) if types.contains(&"null".into()) => ", or null",
            _ if !required.contains(&name) => ", at times",
            _ => "",
        };
        let path = format!("{within}{name}");
        let words = sentence(bare);
        rows.push(format!(
            "| `{event}` | `{path}` | {}{told} | {words} |",
            holds(all, bare)
        ));
        if bare.get("items").is_some() {
            add_fields(all, event, &format!("{path}[]."), &bare["items"], rows);
        } else if resolved(all, bare).get("properties").is_some() {
            add_fields(all, event, &format!("{path}."), bare, rows);
        }
    }
}

/// What a field holds, in a word or two.
fn holds(all: &Value, field: &Value) -> &'static str {
    let name = field["$ref"]
        .as_str()
        .and_then(|name| name.rsplit('/').next());
    let kind = &resolved(all, field)["type"];
    match (name, kind.as_str()) {
        (Some("Name"), _) => "name",
        (Some("DateTime"), _) => "time",
        (Some("MessageSeq"), _) => "`seq`",
        (Some("SeatNumber"), _) => "1 or 2",
        (Some("Id"), _) => "UUID",
        (Some("TwoDigits"), _) => "two digits",
        (Some("EncryptionVersion"), _) => "`\"v1\"`",
        (_, Some("string")) => "text",
        (_, Some("object")) => "object",
        (_, Some("array")) => "list",
        (None, _) => "boolean",
        _ => panic!("what does {field} hold?"),
    }
}

/// The fields of bodies and answers; those of events have a table of their own.
#[test]
fn every_field_of_bodies_and_answers_is_documented() {
    fn add_names(schema: &Value, names: &mut BTreeSet<String>) {
        if let Some(fields) = schema["properties"].as_object() {
            names.extend(fields.keys().cloned());
        }
        match schema {
            Value::Object(parts) => parts.values().for_each(|part| add_names(part, names)),
            Value::Array(parts) => parts.iter().for_each(|part| add_names(part, names)),
            _ => {}
        }
    }
    let description: Value = serde_json::from_str(&OPENAPI).unwrap();
    let mut names = BTreeSet::new();
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        let of_events = ["PerSeat", "ReplacedAt", "StreamEvent"];
        if !of_events.contains(&&**name) {
            add_names(schema, &mut names);
        }
    }
    assert!(names.len() > 30, "{names:?}");
    let document = document();
    for name in names {
        let is_told = [format!("`{name}`"), format!("\"{name}\"")];
        let is_told = is_told.iter().any(|form| document.contains(form));
        assert!(is_told, "docs/api.md says nothing of {name}");
    }
}

#[test]
fn every_limit_is_documented_with_its_default() {
    let settings = Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    let limits = settings.build().unwrap().get_table("limits").unwrap();
    let mut known = BTreeSet::new();
    for row in rows("| setting | default | what it bounds |") {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let name = cells.next().unwrap().trim_matches('`').to_owned();
        let default = cells.next().unwrap();
        let limit = limits
            .get(&name)
            .unwrap_or_else(|| panic!("{name} is no limit"));
        assert_eq!(limit.to_string(), default, "{name}");
        known.insert(name);
    }
    // What no client notices.
    const INSIDE: [&str; 9] = [
        "addresses_remembered",
        "chat_rest_seconds",
        "chats_per_instance",
        "exempt_addresses",
        "journal_batch_messages",
        "journal_queue_messages",
        "presence_grace_ms",
        "stream_buffer_kib",
        "sweep_seconds",
    ];
    known.extend(INSIDE.map(str::to_owned));
    let all: BTreeSet<String> = limits.keys().cloned().collect();
    assert_eq!(all, known);
}
