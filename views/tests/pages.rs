//! Claims about every page in every state.

use std::collections::HashSet;

use maud::Markup;
use views::{
    assets,
    page::Theme,
    samples,
    text::{self, Text},
};

/// The pages of one language, as text.
fn pages(text: &'static Text) -> Vec<(&'static str, String)> {
    let rendered = |(name, page): (&'static str, Markup)| (name, page.into_string());
    samples::all(&samples::frame(text, Theme::Auto))
        .into_iter()
        .map(rendered)
        .collect()
}

fn every(mut claim: impl FnMut(&str, &str)) {
    for text in text::ALL {
        for (name, page) in pages(text) {
            claim(&format!("{}/{name}", text.tag), &page);
        }
    }
}

/// The values of an attribute, wherever it stands.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let mark = format!(" {attribute}=\"");
    page.match_indices(&mark)
        .map(|(at, mark)| {
            let rest = &page[at + mark.len()..];
            &rest[..rest.find('"').expect("a closed attribute")]
        })
        .collect()
}

/// The opening tags of an element.
fn tags<'a>(page: &'a str, element: &str) -> Vec<&'a str> {
    let mark = format!("<{element}");
    page.match_indices(&mark)
        .map(|(at, _)| &page[at..at + page[at..].find('>').expect("a closed tag")])
        .filter(|tag| {
            tag[mark.len()..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace)
        })
        .collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    values(tag, name).first().copied()
}

#[test]
fn samples_have_names_of_their_own() {
    let names: Vec<_> = pages(&text::ENGLISH)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
}

#[test]
fn nothing_on_a_page_is_inline() {
    every(|name, page| {
        assert!(!page.contains(" style="), "{name} has an inline style");
        assert!(!page.contains("<style"), "{name} has a style element");
        for (at, _) in page.match_indices(" on") {
            let word: String = page[at + 3..]
                .chars()
                .take_while(char::is_ascii_lowercase)
                .collect();
            assert!(
                !page[at + 3 + word.len()..].starts_with("=\""),
                "{name} has an event attribute on{word}"
            );
        }
        for tag in tags(page, "script") {
            assert!(
                tag.contains(" src=\"/demo/chat/assets/"),
                "{name} has an inline script"
            );
        }
    });
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    every(|name, page| {
        for element in ["script", "link", "img", "iframe"] {
            for tag in tags(page, element) {
                let url = attribute(tag, "src")
                    .or_else(|| attribute(tag, "href"))
                    .unwrap_or_default();
                assert!(
                    url.starts_with("/demo/chat/assets/"),
                    "{name} fetches {url}"
                );
            }
        }
    });
}

#[test]
fn what_a_page_fetches_exists() {
    every(|name, page| {
        for element in ["script", "link"] {
            for tag in tags(page, element) {
                let url = attribute(tag, "src")
                    .or_else(|| attribute(tag, "href"))
                    .expect("a page of that shape");
                let (digest, file) = url
                    .strip_prefix("/demo/chat/assets/")
                    .expect("a page of that shape")
                    .split_once('/')
                    .expect("a page of that shape");
                assert!(assets::find(digest, file).is_some(), "{name} wants {file}");
            }
        }
    });
}

#[test]
fn ids_are_unique_outside_templates() {
    every(|name, page| {
        let ids = values(page, "id");
        assert_eq!(
            ids.iter().collect::<HashSet<_>>().len(),
            ids.len(),
            "{name}: {ids:?}"
        );
    });
}

#[test]
fn every_reference_finds_its_element() {
    every(|name, page| {
        let ids: HashSet<_> = values(page, "id").into_iter().collect();
        for attribute in ["for", "aria-describedby", "aria-labelledby"] {
            for id in values(page, attribute)
                .iter()
                .flat_map(|ids| ids.split(' '))
            {
                assert!(ids.contains(id), "{name}: {attribute} names {id:?}");
            }
        }
        for target in values(page, "href")
            .iter()
            .filter_map(|href| href.strip_prefix('#'))
        {
            assert!(ids.contains(target), "{name} leads to {target:?}");
        }
    });
}

#[test]
fn every_field_has_a_label() {
    every(|name, page| {
        let labelled: HashSet<_> = values(page, "for").into_iter().collect();
        for tag in [tags(page, "input"), tags(page, "textarea")].concat() {
            let wrapped = matches!(attribute(tag, "type"), Some("hidden" | "radio"));
            assert!(
                wrapped || attribute(tag, "id").is_some_and(|id| labelled.contains(id)),
                "{name}: {tag}"
            );
        }
    });
}

#[test]
fn every_form_posts_to_an_address_of_its_own_or_waits_for_a_key() {
    every(|name, page| {
        for form in page.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let tag = form.split('>').next().unwrap_or_default();
            let is_composer = attribute(tag, "id") == Some("composer");
            // In an encrypted chat nothing leaves without the page's scripts: no text unsealed, and no name without the proof of the link.
            if is_composer && name.ends_with("/chat-encrypted") {
                assert_eq!(attribute(tag, "action"), None, "{name}: {tag}");
                assert_eq!(attribute(tag, "method"), Some("dialog"), "{name}: {tag}");
                continue;
            }
            let method = if form.contains("data-auth") {
                "dialog"
            } else {
                "post"
            };
            assert_eq!(attribute(tag, "method"), Some(method), "{name}: {tag}");
            assert!(
                attribute(tag, "action").is_some_and(|path| path.starts_with("/demo/chat/")),
                "{name}: {tag}"
            );
        }
    });
}

#[test]
fn a_page_has_one_heading_of_the_first_rank_and_one_main() {
    every(|name, page| {
        assert_eq!(tags(page, "h1").len(), 1, "{name}");
        assert_eq!(tags(page, "main").len(), 1, "{name}");
    });
}

#[test]
fn titles_and_previews_carry_no_name_and_no_hash_before_login() {
    every(|name, page| {
        let title = page
            .split("<title>")
            .nth(1)
            .expect("a page of that shape")
            .split("</title>")
            .next()
            .expect("a page of that shape");
        let metas = tags(page, "meta").concat();
        if name.contains("/login") || name.contains("/register") || name.contains("/ask") {
            assert!(
                !title.contains("Anny") && !title.contains("7Hq2"),
                "{name}: {title}"
            );
        }
        assert!(!metas.contains("Anny") && !metas.contains("Abhi"), "{name}");
        assert!(!metas.contains("7Hq2"), "{name}");
    });
}

#[test]
fn a_login_page_shows_no_name_that_was_not_typed() {
    let fresh = pages(&text::ENGLISH)
        .into_iter()
        .find(|(name, _)| *name == "login")
        .expect("a page of that shape")
        .1;
    assert!(!fresh.contains("Anny") && !fresh.contains("Abhi"));
}

#[test]
fn every_language_writes_its_direction() {
    for text in text::ALL {
        let (_, page) = pages(text).remove(0);
        assert!(page.contains(&format!("<html lang=\"{}\" dir=\"{}\"", text.tag, text.dir)));
    }
}

#[test]
fn a_chosen_theme_stands_in_the_page_and_is_marked_in_the_switch() {
    for theme in [Theme::Light, Theme::Dark] {
        let (_, page) = samples::all(&samples::frame(&text::ENGLISH, theme)).remove(0);
        let page = page.into_string();
        assert!(page.contains(&format!("data-theme=\"{}\"", theme.word())));
        assert!(page.contains(&format!("value=\"{}\" aria-pressed=\"true\"", theme.word())));
        assert_eq!(Theme::parse(theme.word()), theme);
    }
    assert_eq!(Theme::parse("<b>"), Theme::Auto);
}
