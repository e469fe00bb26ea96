//! Where a link begins and where it ends.
//!
//! A link is `http://…` or `https://…` wherever it stands, a mail address, `www.…`, or a domain under a common top level.
//! It ends where an address cannot go on: at white space, quotes, invisible characters and any punctuation outside ASCII
//! (UTS #46 allows none of it in a domain, and browsers write it as `%…` in a path), and at a bracket that was not opened in
//! it. A full stop or the like at its end belongs to the sentence. Its domain also ends at an apostrophe, a comma and the like,
//! at an emoji, and where a script begins that is written without spaces: in `请看example.org好的` one word is the address.
//!
//! The text is read word by word, and after a link from the link's end: no character is read more than a few times.

use super::{Piece, steps};

mod characters;

use characters::{are_apart, ends_host, ends_link, ends_sentence, in_word, is_mark};

/// What is longer is no address that a person wants to press, and some browsers would cut it.
const LINK_BYTES_MAX: usize = 2 * 1024;
// In units of UTF-16, as scripts count them.
const LOCAL_UNITS_MAX: usize = 64;
const HOST_UNITS_MAX: usize = 253;
const LABEL_UNITS_MAX: usize = 63;

/// Top levels of domains that are recognised without a scheme. Left out on purpose: those that are more often the end of a
/// file's name (`.md`, `.rs`, `.py`, `.sh`, `.zip` …) or of a time (`9.am`). `rich.js` has the same list; a test compares them.
pub(super) const TOP_LEVELS: &str = "app art bar bid biz blog cafe cat chat cloud club com dev digital edu email fun games gov help host info int jobs life link live media mil mobi museum name net network news one online org page press pro pub quest rocks shop site social software space store studio systems team tech tel tips today tools top travel video vip website wiki work world wtf xyz zone рф укр бел срб ελ 中国 中國 香港 台灣 한국 भारत امارات السعودية مصر ایران";

/// Those of countries by their first letter, each with all second ones: written so, they weigh half as much in the script.
pub(super) const COUNTRIES: &str = "acdefgilortuz babdeghinorstwyz cadfghiklmnoruvxyz dejkmoz ecegrstu fijmor gadeghilmnprtuy hknrtu idelmnoqrst jemop keghimrwyz labcikrstuvy macegklnoprstuvwxyz naefgilopruz om paefghklnrtw qa reouw sabcegiklmnrtvyz tcdfghjklmnortvwz uagksyz vaceginu wfs yet zamw";

/// What of this no domain begins or ends with.
const EDGES: [char; 5] = ['.', '_', '%', '+', '-'];

/// Cuts a stretch without code into text and links.
pub(super) fn cut<'a>(text: &'a str, out: &mut Vec<Piece<'a>>) {
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(c) = look(text, at) {
        if !in_word(c) {
            at += c.len_utf8();
            continue;
        }
        let word = Word {
            text,
            start: at,
            end: end_of_word(text, at),
        };
        match word
            .scheme()
            .or_else(|| word.mail())
            .or_else(|| word.site())
        {
            Some(Found::Link { start, piece, end }) => {
                if plain_from < start {
                    out.push(Piece::Text(&text[plain_from..start]));
                }
                out.push(piece(&text[start..end]));
                at = end;
                plain_from = end;
            }
            Some(Found::TooLong { end }) => at = end,
            None => at = word.end,
        }
    }
    if plain_from < text.len() {
        out.push(Piece::Text(&text[plain_from..]));
    }
}

/// Every read of a character goes through here, so that a test can count them.
fn look(text: &str, at: usize) -> Option<char> {
    steps::took(1);
    text[at..].chars().next()
}

fn end_of_word(text: &str, start: usize) -> usize {
    let mut at = start;
    let mut before = None;
    while let Some(c) = look(text, at).filter(|c| in_word(*c) && !are_apart(before, *c)) {
        at += c.len_utf8();
        before = Some(c);
    }
    at
}

enum Found<'a> {
    Link {
        start: usize,
        piece: fn(&'a str) -> Piece<'a>,
        end: usize,
    },
    /// Longer than a link may be: all of it is text.
    TooLong { end: usize },
}

/// As many word characters in a row as there are.
struct Word<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Word<'a> {
    /// `https://…`: the scheme is the end of a word, since some scripts write no space before it.
    fn scheme(&self) -> Option<Found<'a>> {
        let rest = self.text[self.end..].strip_prefix("://")?;
        let word = &self.text[self.start..self.end];
        let scheme_len = ["https", "http"].iter().find_map(|scheme| {
            let tail = word.len().checked_sub(scheme.len())?;
            word.get(tail..)
                .filter(|tail| tail.eq_ignore_ascii_case(scheme))
                .map(str::len)
        })?;
        self.go_on(
            self.end - scheme_len,
            self.text.len() - rest.len(),
            Piece::Link,
        )
    }

    /// `name@example.org`.
    fn mail(&self) -> Option<Found<'a>> {
        let host = self.text[self.end..].strip_prefix('@')?;
        let host_start = self.text.len() - host.len();
        let local = &self.text[self.start..self.end];
        let local = local.trim_start_matches(EDGES);
        steps::took(self.end - self.start);
        let start = self.end - local.len();
        if local.is_empty()
            || units(local) > LOCAL_UNITS_MAX
            || local.ends_with(['.', '%'])
            || self.leans_on_what_is_before(start)
        {
            return None;
        }
        let host = without_edges(&self.text[host_start..end_of_word(self.text, host_start)]);
        let end = host_start + host.len();
        // Characters trimmed in front would be part of the URL, so it is not one.
        let at_start = self.text[host_start..].starts_with(host);
        let top = top_level(host, 2)?;
        let is_word = top.chars().all(|c| c.is_alphabetic() || is_mark(c));
        (at_start && is_word && top.chars().count() > 1).then_some(Found::Link {
            start,
            piece: Piece::Mail,
            end,
        })
    }

    /// `www.example.org`, `example.org`, `example.org:8080/path`.
    fn site(&self) -> Option<Found<'a>> {
        let word = &self.text[self.start..self.end];
        let tail = word.trim_start_matches(EDGES);
        let host = without_edges(word);
        steps::took(word.len());
        let start = self.end - tail.len();
        let end = start + host.len();
        let after = self.text[self.end..].chars().next();
        if after == Some('@') || self.leans_on_what_is_before(start) {
            return None;
        }
        let www = host
            .get(..4)
            .is_some_and(|www| www.eq_ignore_ascii_case("www."));
        let top = top_level(host, if www { 3 } else { 2 })?;
        if !www && !is_known(top) {
            return None;
        }
        let next = self.text.as_bytes().get(self.end + 1);
        let goes_on = end == self.end
            && match after {
                Some('/' | '?' | '#') => true,
                Some(':') => next.is_some_and(u8::is_ascii_digit),
                _ => false,
            };
        if goes_on {
            return self.go_on(start, end, Piece::Site);
        }
        Some(Found::Link {
            start,
            piece: Piece::Site,
            end,
        })
    }

    /// Whether what stands before makes this a part of something else: a path, a query, a handle, a word that an invisible
    /// character joins or hyphenates.
    fn leans_on_what_is_before(&self, start: usize) -> bool {
        const JOINTS: &[char] = &[
            '/', '\\', '@', '=', '&', '#', '?', '\u{AD}', '\u{200C}', '\u{200D}', '\u{2060}',
        ];
        self.text[..start].ends_with(JOINTS)
    }

    /// Whether `http://` or `https://` stands there.
    fn begins_link(&self, at: usize) -> bool {
        let there = |scheme: &str| {
            let found = self.text.as_bytes().get(at..at + scheme.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(scheme.as_bytes()))
        };
        steps::took(2);
        there("https://") || there("http://")
    }

    /// The link that begins at `start` and is sure of its characters up to `from`.
    fn go_on(
        &self,
        start: usize,
        from: usize,
        piece: fn(&'a str) -> Piece<'a>,
    ) -> Option<Found<'a>> {
        let sure = (piece("") != Piece::Link("")).then_some(from);
        let (mut end, mut at) = (sure, from);
        let mut in_host = sure.is_none();
        let mut before = None;
        let (mut round, mut square, mut curly) = (0_usize, 0_usize, 0_usize);
        while let Some(c) = look(self.text, at) {
            in_host &= !matches!(c, '/' | '?' | '#');
            if in_host && (ends_host(c) || are_apart(before, c)) {
                break;
            }
            let open = match c {
                ')' => Some(&mut round),
                ']' => Some(&mut square),
                '}' => Some(&mut curly),
                _ => None,
            };
            let unopened = open.is_some_and(|open| {
                let none = *open == 0;
                *open = open.saturating_sub(1);
                none
            });
            // Of several links in a row each is one.
            let next_link = || self.begins_link(at + 1);
            if unopened || ends_link(c) || (matches!(c, ',' | ';' | '|') && next_link()) {
                break;
            }
            at += c.len_utf8();
            before = Some(c);
            round += usize::from(c == '(');
            square += usize::from(c == '[');
            curly += usize::from(c == '{');
            if !ends_sentence(c) {
                end = Some(at);
            }
        }
        let end = end?;
        Some(if end - start > LINK_BYTES_MAX {
            Found::TooLong { end: at }
        } else {
            Found::Link { start, piece, end }
        })
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A word without the punctuation at its two ends.
fn without_edges(word: &str) -> &str {
    word.trim_matches(EDGES)
}

/// The last label of a host that has at least so many labels, all of them well formed.
fn top_level(host: &str, labels_min: usize) -> Option<&str> {
    if units(host) > HOST_UNITS_MAX {
        return None;
    }
    let sound = |label: &str| {
        (1..=LABEL_UNITS_MAX).contains(&units(label))
            && !label.starts_with('-')
            && !label.starts_with(is_mark)
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || is_mark(c) || c == '-')
    };
    steps::took(host.len());
    let labels = host.split('.').count();
    (labels >= labels_min && host.split('.').all(sound))
        .then(|| host.rsplit('.').next())
        .flatten()
}

/// Whether a top level is in the list, in small or in large letters: `end.It` is where two sentences meet.
fn is_known(top: &str) -> bool {
    let lower = top.to_lowercase();
    let even = top == lower || top == top.to_uppercase();
    steps::took(top.len());
    let country = |of: &str| {
        let [first, second] = [of.get(..1), of.get(1..)];
        lower.len() == 2
            && first == lower.get(..1)
            && second
                .zip(lower.get(1..))
                .is_some_and(|(all, one)| all.contains(one))
    };
    even && (TOP_LEVELS.split(' ').any(|known| known == lower) || COUNTRIES.split(' ').any(country))
}
