//! A report as one page that needs nothing else: tables and plots, its styles and figures in it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page in the making.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Heading(String),
    Text(String),
    Columns(String),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    Figure {
        caption: String,
        svg: String,
    },
}

const STYLE: &str = "
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #f4f6f8; margin: 0; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; white-space: pre-line; }
table { border-collapse: collapse; background: #fff; width: 100%; margin: .8rem 0; }
th, td { padding: .4rem .7rem; border-bottom: 1px solid #dde3ea; text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; background: #eaeff4; vertical-align: bottom; }
.wide { overflow-x: auto; }
pre { font: 13px/1.5 ui-monospace, monospace; margin: .8rem 0; }
figure { background: #fff; margin: 1rem 0; padding: 1rem; border: 1px solid #dde3ea; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: #4b5868; margin-top: .5rem; }
.met { color: #1a7f37; } .missed { color: #b3261e; font-weight: 600; }
";

impl Page {
    /// A page with this title.
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            parts: Vec::new(),
        }
    }

    /// A heading for what follows.
    pub fn heading(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Heading(text.into()));
        self
    }

    /// A paragraph; its line ends are kept.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// A report as a terminal shows it, with columns that stand below each other.
    pub fn columns(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Columns(text.into()));
        self
    }

    /// A table; cells that say `met` or `missed` are coloured.
    pub fn table<S: Into<String>>(
        mut self,
        head: impl IntoIterator<Item = S>,
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Self {
        self.parts.push(Part::Table {
            head: head.into_iter().map(Into::into).collect(),
            rows: rows.into_iter().collect(),
        });
        self
    }

    /// A plot with a sentence under it; left out where there was nothing to plot.
    pub fn figure(mut self, caption: impl Into<String>, svg: Option<String>) -> Self {
        let caption = caption.into();
        self.parts
            .extend(svg.map(|svg| Part::Figure { caption, svg }));
        self
    }

    /// The whole document.
    pub fn html(&self) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body { main {
                    h1 { (self.title) }
                    @for part in &self.parts { (part.html()) }
                } }
            }
        }
        .into_string()
    }
}

impl Part {
    fn html(&self) -> Markup {
        match self {
            Self::Heading(text) => html! { h2 { (text) } },
            Self::Text(text) => html! { p { (text) } },
            Self::Columns(text) => html! { pre class="wide" { (text) } },
            Self::Table { head, rows } => html! {
                div class="wide" { table {
                    @if !head.is_empty() { tr { @for cell in head { th { (cell) } } } }
                    @for row in rows { tr { @for cell in row { td class=[class(cell)] { (cell) } } } }
                } }
            },
            Self::Figure { caption, svg } => html! {
                figure { (PreEscaped(svg)) figcaption { (caption) } }
            },
        }
    }
}

fn class(cell: &str) -> Option<&str> {
    matches!(cell, "met" | "missed").then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_else_and_escapes_what_it_was_told() {
        let page = Page::titled("a < b")
            .table(["x"], [vec!["<script>".to_owned()]])
            .figure("none", None)
            .html();
        assert!(page.contains("a &lt; b") && page.contains("&lt;script&gt;"));
        for word in ["http://", "https://", "src=", "href=", "<figure"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
