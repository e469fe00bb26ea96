//! Every state of every page, as it was last approved: `views/tests/snapshots`. After a change that is meant, `INSTA_UPDATE=always cargo test
//! -p views` writes them anew, and the difference is part of the commit.

use views::{assets, page::Theme, samples, text};

#[test]
fn every_state_of_every_page_reads_as_it_was_approved() {
    for (name, page) in samples::all(&samples::frame(&text::ENGLISH, Theme::Auto)) {
        insta::assert_snapshot!(name, legible(&page.into_string()));
    }
}

/// An element a line, without the digest that changes with every style and without the scripts' own sentences.
fn legible(page: &str) -> String {
    let body = &page[page.find("<body").expect("a page has a body")..];
    let mut out = body
        .replace(assets::digest(), "DIGEST")
        .replace("><", ">\n<");
    if let Some(from) = out.find(" data-text=\"") {
        let value = from + " data-text=\"".len();
        let to = value + out[value..].find('"').expect("a closed attribute") + 1;
        out.replace_range(from..to, "");
    }
    out
}
