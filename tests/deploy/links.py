"""Follows every link of a folder of web pages to its other files: `links.py FOLDER`."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page and what of it can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


folder = Path(sys.argv[1]).resolve()
pages = {path: Page(path) for path in folder.rglob("*.html")}
wrong, followed = [], 0
for path, page in pages.items():
    # The page for what is not found is served at any address.
    for link in [] if path.name == "404.html" else page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        followed += 1
        if not target.is_file() or not target.is_relative_to(folder):
            wrong.append(f"{path.relative_to(folder)}: {link}")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            wrong.append(f"{path.relative_to(folder)}: {link} (no such heading)")
assert not wrong, "These links lead nowhere:\n" + "\n".join(sorted(wrong))
assert followed > 100, followed
print(f"{len(pages)} pages, {followed} links.")
