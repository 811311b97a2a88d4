# noqa: INP001 - a script
"""Look through the built site: `python docs/check_site.py build/site`.

It must load nothing from elsewhere when it is read, and every link within it must lead somewhere.
The generator checks links between pages only, not those to files, and not what its theme asks for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"src", "srcset", "poster", "data"}
"""Attributes that make a browser load what they name."""
LINKS_TO_LOAD = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}


class Page(HTMLParser):
    """What a page loads, links to, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag in."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        self.loads.extend(value for name, value in given.items() if name in LOADED)
        if "href" in given:
            to_load = tag == "link" and LINKS_TO_LOAD & set(given.get("rel", "").split())
            (self.loads if to_load else self.links).append(given["href"])


def problems(site: Path) -> Iterator[str]:
    """Say what is wrong, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site}: no page was built"
    for path, page in pages.items():
        # The page of what is not found may be shown at any depth, so it names places from the root.
        if path.name == "404.html":
            continue
        name = path.relative_to(site)
        yield from (f"{name}: loads {one}" for one in page.loads if _is_foreign(one))
        for link in page.links + page.loads:
            if not _is_foreign(link) and not _leads(path, link, pages):
                yield f"{name}: leads nowhere: {link}"
    for style in sorted(site.rglob("*.css")):
        if "url(http" in style.read_text(encoding="utf-8"):
            yield f"{style.relative_to(site)}: loads from elsewhere"


def _is_foreign(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def _leads(path: Path, link: str, pages: Mapping[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
    if target.is_dir():
        target /= "index.html"
    if not parts.fragment or target.suffix != ".html":
        return target.is_file()
    found = {known.resolve(): page for known, page in pages.items()}.get(target)
    return found is not None and unquote(parts.fragment) in found.anchors


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]))) or 0)
