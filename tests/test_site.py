"""The site of the documentation: links lead somewhere, pages open, and nothing is fetched."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    "index.html",
    "get-started.html",
    "user-guide/index.html",
    "user-guide/near-duplicates.html",
    "user-guide/splits.html",
    "how-to/index.html",
    "auto_examples/plot_quickstart.html",
    "api/index.html",
    "api/generated/hashfeatures.NearDuplicateFinder.html",
    "comparison.html",
    "changelog.html",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return the folder of the site: the one that .ci/run built, or else one without figures."""
    if built := os.environ.get("HASHFEATURES_SITE"):
        return Path(built)
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    options = ("-W", "-E", "-q", "-D", "plot_gallery=0", "-d", str(out / ".doctrees"))
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(out)], check=True
    )
    return out


class Page(HTMLParser):
    """The anchors of a page, its links, what it loads, and its images without a text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.name = path.stem
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.silent: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self.anchors |= {names[key] for key in ("id", "name") if names.get(key)}
        if tag in ("a", "area") and names.get("href"):
            self.links.append(names["href"])
        elif tag == "link" and names.get("rel") not in ("canonical", "author"):
            self.loaded.append(names["href"])
        if tag == "img":
            text, source = names.get("alt"), names.get("src", "")
            # What Sphinx and its gallery fall back to.
            fallbacks = (source.rpartition("/")[2], self.name.replace("_", " "))
            if text is None or text.rpartition("/")[2] in fallbacks:
                self.silent.append(source)
        if names.get("src"):
            self.loaded.append(names["src"])


@pytest.fixture(scope="session")
def pages(site):
    """Return what each page of the site holds, by its path."""
    return {
        path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts
    }


def broken_links(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in page.links + page.loaded:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file() or (
            parts.fragment
            and target in pages
            and unquote(parts.fragment) not in pages[target].anchors
        ):
            yield f"{path.name}: {link}"


def test_links_lead_somewhere(pages):
    """Guards readers from links to pages, headings, figures and downloads that are not there."""
    assert len(pages) > 100
    broken = [link for path, page in pages.items() for link in broken_links(path, page, pages)]
    assert broken == []


def test_nothing_is_loaded_from_another_host(pages):
    """Guards the privacy of readers, and their reading without a network."""
    loaded = {source for page in pages.values() for source in page.loaded}
    assert sorted(source for source in loaded if urlsplit(source).netloc) == []


def test_every_image_has_an_alternative_text(pages):
    """Guards readers who hear a page, as does a title of each figure of the gallery."""
    assert {path.name: page.silent for path, page in pages.items() if page.silent} == {}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1200, 400])
def test_a_page_opens(site, browser, visit, name, width):
    """It shows its title, fits into the window, logs nothing, and asks no other host."""
    browser.set_window_size(width, 1000)
    browser.get_log("performance")
    browser.get_log("browser")
    visit(site / name)
    assert browser.find_element("css selector", "h1").is_displayed()
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        urlsplit(event["params"]["request"]["url"]).scheme
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert asked <= {"file", "data", "blob"}
    scrolled = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(scrolled) <= 0
