use super::*;

const CASES: &str = include_str!("../../tests/rich.json");
const SCRIPT: &str = include_str!("../../assets/rich.js");

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    pieces: Vec<(String, String)>,
    #[serde(default)]
    big: bool,
    /// Where it is another one than the text.
    shown: Option<String>,
}

#[test]
fn the_shared_cases_hold_here() {
    let cases: Vec<Case> = serde_json::from_str(CASES).expect("the cases are JSON");
    for case in cases {
        let found: Vec<_> = pieces(&case.text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => ("text".to_owned(), text.to_owned()),
                Piece::Link(text) => ("link".to_owned(), text.to_owned()),
                Piece::Site(text) => ("site".to_owned(), text.to_owned()),
                Piece::Mail(text) => ("mail".to_owned(), text.to_owned()),
                Piece::Code(text) => ("code".to_owned(), text.to_owned()),
                Piece::Block(text) => ("block".to_owned(), text.to_owned()),
            })
            .collect();
        assert_eq!(found, case.pieces, "{:?}", case.text);
        assert_eq!(only_emoji(&case.text), case.big, "{:?}", case.text);
        let expected = case.shown.as_ref().unwrap_or(&case.text);
        assert_eq!(shown(&case.text), expected, "{:?}", case.text);
    }
}

#[test]
fn hostile_text_stays_text() {
    for text in [
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "\"><img src=x onerror=alert(1)>",
        "`<b>`",
        "http://\"onload=x",
    ] {
        let markup = markup(text).into_string();
        for tag in ["<script", "<img", "<b>", "href=\"javascript", "\"onload"] {
            assert!(!markup.contains(tag), "{text} became {markup}");
        }
    }
}

#[test]
fn the_script_knows_the_same_top_levels() {
    for list in [links::TOP_LEVELS, links::COUNTRIES] {
        assert!(SCRIPT.contains(list));
    }
}

/// What a stranger may write to make the page slow: one of these again and again. Those with a space are listed apart.
const HOSTILE: &str = ") ( () [ ] []( ` `` ``` ```` `\n _ * ~ @ a@ a@a a@a. a@b.org . .. a. - -. .org a.org a.org/ \
    www. www.a. http:// http://a https://a.org/( hhttp:// http :// a:// _:// a@a:// a.org:8 http://a.org, http://a.org。 \
    a é 好 。 👨\u{200D} 👨\u{200D}👩 🏽 \u{200D} \u{FE0F} \u{301} \u{20E3} 🇩 \n \u{202E} & < ' \" % +";
const HOSTILE_SPACED: [&str; 3] = ["``` ", "http://a ", " "];

/// How often each character may be looked at, at the very most.
const LOOKS_MAX: usize = 12;

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let prefixes = [
        "",
        "http://a",
        "www.a.org/",
        "a.org?",
        "`",
        "```",
        "a@a.org",
        "🙂",
    ];
    let units = || HOSTILE.split(' ').chain(HOSTILE_SPACED);
    for (prefix, unit) in prefixes
        .iter()
        .flat_map(|prefix| units().map(move |unit| (prefix, unit)))
    {
        let cost = |bytes: usize| {
            let text = format!("{prefix}{}", unit.repeat(bytes / unit.len()));
            let steps = steps::count(|| {
                let html = markup(&text).into_string();
                assert!(html.len() < 100 * text.len() + 1_000, "{prefix:?} {unit:?}");
                only_emoji(&text);
            });
            assert!(
                steps <= LOOKS_MAX * text.len() + 100,
                "{prefix:?} and {unit:?} again and again: {steps} steps for {} bytes",
                text.len()
            );
            steps
        };
        let (half, whole) = (cost(8 * 1024), cost(16 * 1024));
        assert!(
            whole <= 2 * half + half / 4 + 100,
            "{prefix:?} and {unit:?}: {half}, then {whole}"
        );
    }
}

#[test]
fn a_link_ends_at_two_kibibytes() {
    let link = |bytes: usize| format!("https://a.org/{}", "x".repeat(bytes - 14));
    let (whole, long) = (link(2048), link(2049));
    assert_eq!(pieces(&whole), [Piece::Link(&whole)]);
    assert_eq!(pieces(&long), [Piece::Text(&long)]);
}
