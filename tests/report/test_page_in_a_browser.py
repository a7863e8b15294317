"""The report in a real browser: it shows paths and labels as text, and stays fast."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, audit_split
from hashfeatures.duplicates._report import DuplicateReport
from hashfeatures.report._summary import Grouping, Match, summarize
from hashfeatures.report._thumbnails import Facts, make_thumbnails

pytestmark = pytest.mark.slow

ODD = 'x/</script><script>document.title="bad"</script><img src=x onerror=alert(1)> "q"\n.png'
PICTURE = (
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # one pixel
)


def make_page(n_groups, first=ODD):
    """Return the page of a report with groups of two, three and so on to ten images."""
    sizes = [2 + group % 9 for group in range(n_groups)]
    labels = np.repeat(np.arange(n_groups), sizes)
    sources = [f"folder{label}/image{row}.png" for row, label in enumerate(labels)]
    sources[0] = first
    firsts = np.flatnonzero(np.diff(labels, prepend=-1))
    grouping = Grouping(
        sources,
        labels,
        np.arange(len(labels)) % 13,
        firsts[labels],
        {group: group % 20 for group in range(n_groups)},
        {},
        [],
        ["a" if row % 2 else "b" for row in range(len(labels))],
        ["train" if label % 10 or row % 2 else "test" for row, label in enumerate(labels)],
    )
    facts = {row: Facts(640, 480, "PNG", 12_345) for row in range(len(labels))}
    summary = summarize(
        grouping,
        facts,
        title="Near duplicates",
        settings={"hashes": ["phash", "dhash"], "bits": 128, "radius": 12},
        distances=[5, 3, 0, 1] + [0] * 30 + [7, 9],
        n_measured=25,
    )
    return DuplicateReport(summary, dict.fromkeys(range(1500), PICTURE)), summary


@pytest.fixture
def open_page(browser, visit, tmp_path):
    """Return a function that opens a page, and check at the end that the console is empty."""
    path = tmp_path / "report.html"

    def open_report(report):
        report.save(path)
        browser.get_log("performance")
        browser.get_log("browser")
        visit(path)
        return browser

    yield open_report
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
        and event["params"]["documentURL"] == path.as_uri()
    ]
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def shown(browser):
    """Return the line with the number of the page and the number of groups."""
    return find(browser, "#hf-page")[0].text


def test_names_are_shown_as_text(open_page):
    browser = open_page(make_page(3)[0])
    assert browser.title == "Near duplicates"
    assert find(browser, "script[src], #hf-groups script, img[src=x]") == []
    texts = [element.text for element in find(browser, ".hf-path")]
    assert ODD.replace("\n", "\\n") in texts
    alts = [image.get_attribute("alt") for image in find(browser, ".hf-image img")]
    assert len(alts) == 9
    assert ODD.replace("\n", "\\n") in alts


def test_pages_are_turned_and_groups_filtered(open_page):
    browser = open_page(make_page(95)[0])
    assert shown(browser) == "Page 1 of 5 (95 groups)"
    assert len(find(browser, ".hf-group")) == 20
    assert find(browser, "h3")[0].text.startswith("10 images")
    find(browser, "#hf-next")[0].click()
    assert shown(browser) == "Page 2 of 5 (95 groups)"
    find(browser, "#hf-filter")[0].send_keys("FOLDER17/")
    assert shown(browser) == "Page 1 of 1 (1 group)"
    assert all("folder17/" in element.text for element in find(browser, ".hf-path"))
    find(browser, "#hf-filter")[0].clear()
    find(browser, "#hf-filter")[0].send_keys("nothing like it")
    assert "No groups match this filter." in find(browser, "#hf-groups")[0].text


def test_kinds_and_orders(open_page):
    report, summary = make_page(95)
    browser = open_page(report)
    n_leaks = summary["counts"]["leaks"]
    assert n_leaks == 10
    find(browser, "#hf-kind option[value=leak]")[0].click()
    assert shown(browser) == f"Page 1 of 1 ({n_leaks} groups)"
    sides = [element.text for element in find(browser, ".hf-group:first-child h4")]
    assert sorted(side.partition(":")[0] for side in sides) == ["test", "train"]
    find(browser, "#hf-kind option[value=all]")[0].click()
    find(browser, "#hf-order option[value=doubt]")[0].click()
    assert "at most 19 bits apart" in find(browser, "h3")[0].text


def test_keys_are_enough(open_page):
    browser = open_page(make_page(50)[0])
    body = browser.switch_to.active_element
    body.send_keys("\ue014")  # right
    assert shown(browser).startswith("Page 2")
    body.send_keys("\ue012")  # left
    assert shown(browser).startswith("Page 1")
    body.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "hf-filter"
    browser.switch_to.active_element.send_keys("folder3/")
    assert shown(browser) == "Page 1 of 1 (1 group)"
    browser.switch_to.active_element.send_keys("\ue00c")  # escape
    assert shown(browser) == "Page 1 of 3 (50 groups)"


def test_paths_are_selected_and_copied(open_page):
    """The list holds paths in the format that the command reads."""
    report, summary = make_page(3)
    browser = open_page(report)
    find(browser, "#hf-all")[0].click()
    assert find(browser, "#hf-chosen")[0].text == "6 selected"
    box = next(
        box
        for box in find(browser, ".hf-image input")
        if summary["images"][int(box.get_attribute("data-place"))]["path"] == ODD
    )
    box.click()
    assert find(browser, "#hf-chosen")[0].text == "7 selected"
    browser.execute_script(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', "
        "{ value: { writeText: async (text) => copied.push(text) } });"
    )
    find(browser, "#hf-copy")[0].click()
    lines = browser.execute_script("return copied[0]").splitlines()
    assert len(lines) == 7
    assert [json.loads(line) for line in lines if line.startswith('"')] == [ODD]
    find(browser, "#hf-none")[0].click()
    assert not find(browser, "#hf-copy")[0].is_enabled()


def test_ten_thousand_groups_stay_quick(open_page):
    report, summary = make_page(10_000)
    started = time.monotonic()
    browser = open_page(report)
    assert "(10,000 groups)" in shown(browser)
    assert time.monotonic() - started < 8
    started = time.monotonic()
    find(browser, "#hf-filter")[0].send_keys("folder9999/")
    assert shown(browser) == "Page 1 of 1 (1 group)"
    find(browser, "#hf-filter")[0].clear()
    find(browser, "#hf-order option[value=doubt]")[0].click()
    find(browser, "#hf-all")[0].click()
    expected = f"{summary['counts']['duplicates']:,} selected"
    assert find(browser, "#hf-chosen")[0].text == expected
    assert time.monotonic() - started < 8


def test_without_a_script_the_first_groups_are_there(browser, visit, tmp_path):
    """Without a script, as in email, the page shows the pictures and names of the first groups."""
    path = tmp_path / "mail.html"
    page = make_page(50)[0].to_html()
    path.write_text(page.rpartition("<script>")[0], encoding="utf-8")
    visit(path)
    assert len(find(browser, ".hf-group")) == 20
    assert "These are the first 20 of 50 groups." in find(browser, "#hf-groups")[0].text
    assert not find(browser, "#hf-tools")[0].is_displayed()


@pytest.fixture
def prefer(browser):
    """Return a function that lets the browser prefer light or dark pages until the test ends."""

    def emulate(*schemes):
        features = [{"name": "prefers-color-scheme", "value": scheme} for scheme in schemes]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    yield emulate
    emulate()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(scheme, open_page, prefer):
    browser = open_page(make_page(3)[0])
    prefer(scheme)
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in ground[4:-1].split(",")]
    assert (sum(levels) < 200) == (scheme == "dark")


def test_an_image_can_be_enlarged(open_page):
    """A picture can be enlarged, and the arrows lead through its group."""
    browser = open_page(make_page(3, first="folder0/first.png")[0])
    large = find(browser, "#hf-large")[0]
    assert not large.is_displayed()
    group = find(browser, ".hf-group:last-child .hf-zoom")
    group[0].click()
    assert large.is_displayed()
    assert find(browser, "#hf-large code")[0].text == "folder0/first.png"
    assert find(browser, "#hf-large a")[0].get_attribute("href").endswith("/folder0/first.png")
    browser.switch_to.active_element.send_keys("\ue014")  # right
    assert find(browser, "#hf-large code")[0].text == "folder0/image1.png"
    browser.switch_to.active_element.send_keys("\ue014")
    assert find(browser, "#hf-large img")[0].get_attribute("alt") == "folder0/first.png"
    assert shown(browser).startswith("Page 1")
    browser.switch_to.active_element.send_keys("\ue00c")  # escape
    assert not large.is_displayed()
    assert find(browser, "#hf-chosen")[0].text == "0 selected"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("javascript:alert(1)//x.png", "/javascript%3Aalert(1)//x.png"),
        ("/a/b c#?.png", "file:///a/b%20c%23%3F.png"),
        ("https://site/x.png", "https://site/x.png"),
        ("s3://bucket/x.png", None),
        ("C:\\a b\\1.png", "file:///C:/a%20b/1.png"),
        ("C:/a/1.png", "file:///C:/a/1.png"),
        ("\\\\server\\share\\1.png", "file://server/share/1.png"),
        ("<4 bytes>", None),
        ("caf\udce9.png", None),
    ],
)
def test_links_lead_to_files_and_never_run_anything(open_page, path, address):
    browser = open_page(make_page(1, first=path)[0])
    find(browser, ".hf-zoom")[0].click()
    (link,) = find(browser, "#hf-large a")
    assert link.is_displayed() == (address is not None)
    if address:
        assert link.get_attribute("href").endswith(address)


def test_paths_are_shown_from_their_common_folder_on(open_page):
    report, _ = make_page(3, first="folder0/first.png")
    for image in report.summary["images"]:
        image["path"] = "/a long/way/to/" + image["path"]
    browser = open_page(report)
    assert "Paths are shown from /a long/way/to/folder on." not in browser.page_source
    assert find(browser, "main > p code")[0].text == "/a long/way/to/"
    names = [element.text for element in find(browser, ".hf-images .hf-path")]
    assert "folder0/first.png" in names
    assert not any(name.startswith("/") for name in names)
    find(browser, "#hf-all")[0].click()
    browser.execute_script(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', "
        "{ value: { writeText: async (text) => copied.push(text) } });"
    )
    find(browser, "#hf-copy")[0].click()
    lines = browser.execute_script("return copied[0]").splitlines()
    assert all(line.startswith("/a long/way/to/folder") for line in lines)


def test_pairs_stand_side_by_side(open_page):
    """At 1200 pixels, up to three groups share a row."""
    browser = open_page(make_page(30)[0])
    find(browser, "#hf-next")[0].click()
    groups = [each for each in find(browser, ".hf-group") if each.text.startswith("2 images")]
    assert len(groups) == 4
    assert len({group.rect["y"] for group in groups}) == 2
    assert all(group.rect["width"] <= 380 for group in groups)


def make_pair_page(noise_image):
    """Return the report of an image, and of a copy that is mirrored and padded."""
    taken = (-0.8, 0, 0.9, 0, 0.8, 0.1)
    kept = noise_image(0).convert("RGB").resize((400, 200))
    a, _, c, _, e, f = taken
    width, height = kept.size
    back = (1 / a, 0, -c / a * width, 0, 1 / e, -f / e * height)
    copy = kept.transform(kept.size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR)
    images = [kept, copy]
    grouping = Grouping(
        ["/a/kept.png", "/a/copy.png"],
        np.array([0, 0]),
        np.array([7, 7]),
        np.array([0, 0]),
        {0: 7},
        {},
        [],
        matches={1: Match(0.912, "mirrored", taken)},
        weakest_links={0: 0.912},
    )
    settings = {"hashes": ["dhash"], "bits": 64, "radius": 9, "min_agreement": 0.85}
    summary = summarize(grouping, {}, title="Near duplicates", settings=settings)
    thumbnails = make_thumbnails(images, max_number=2, max_bytes=10**6, fetch=False)[1]
    return DuplicateReport(summary, thumbnails)


def test_a_duplicate_shows_how_it_follows_from_the_kept_image(open_page, noise_image):
    """A duplicate has its agreement and relation, and a group its weakest link."""
    browser = open_page(make_pair_page(noise_image))
    assert find(browser, "h3")[0].text == "2 images, at most 7 bits apart, weakest link 0.91"
    kept, copy = find(browser, ".hf-image")
    assert "7 bits agreement 0.91" in copy.text
    assert "mirrored" in copy.text
    assert "agreement" not in kept.text
    assert "Compare" not in kept.text


def test_a_pair_is_laid_over_each_other_and_subtracted(open_page, noise_image):
    """The map lays a copy exactly over the kept image, so that the difference is black."""
    browser = open_page(make_pair_page(noise_image))
    find(browser, ".hf-compare")[0].click()
    stage, fade = find(browser, "#hf-stage")[0], find(browser, "#hf-fade")[0]
    assert stage.get_attribute("data-view") == "overlay"
    assert fade.is_displayed()
    assert find(browser, "#hf-relation")[0].text == "mirrored"
    alts = [image.get_attribute("alt") for image in find(browser, "#hf-stage img")]
    assert alts == ["/a/copy.png", "/a/kept.png"]
    browser.switch_to.active_element.send_keys("4")
    assert stage.get_attribute("data-view") == "difference"
    assert not fade.is_displayed()
    shot = Image.open(io.BytesIO(base64.b64decode(stage.screenshot_as_base64))).convert("L")
    width, height = shot.size
    # The copy shows all of the kept image but nothing beyond it.
    inside = np.asarray(shot.crop((8, 8, width - 8, height - 8)), dtype=float)
    assert np.median(inside) < 40
    browser.switch_to.active_element.send_keys("3")
    overlay = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(stage.screenshot_as_base64))).convert("L"),
        dtype=float,
    )
    assert overlay[8:-8, 8:-8].std() > 3 * inside.std()


def test_a_kept_image_is_compared_with_nothing(open_page, noise_image):
    """A kept image is shown by itself, and the view comes back with the next copy."""
    browser = open_page(make_pair_page(noise_image))
    find(browser, ".hf-compare")[0].click()
    browser.switch_to.active_element.send_keys("\ue014")  # right, to the kept image
    assert not find(browser, "#hf-views")[0].is_displayed()
    assert find(browser, "#hf-stage")[0].get_attribute("data-view") == "image"
    browser.switch_to.active_element.send_keys("\ue014")
    assert find(browser, "#hf-stage")[0].get_attribute("data-view") == "overlay"


def test_without_a_map_a_pair_stands_side_by_side(open_page):
    """Where no pixels were compared, only the overlay and the difference are missing."""
    browser = open_page(make_page(1, first="folder0/first.png")[0])
    find(browser, ".hf-compare")[0].click()
    offered = [
        button.text for button in find(browser, "#hf-views button") if button.is_displayed()
    ]
    assert offered == ["Image", "Side by side"]
    assert find(browser, "#hf-stage")[0].get_attribute("data-view") == "beside"


def test_a_card_of_a_split_shows_pictures_and_bars(open_page, family):
    """The card of an audit needs no request, has a style, and fits a narrow window."""
    files, _ = family
    parts = {"train": [*files[:2], files[3]], "test": [files[2], files[3], files[6]]}
    labels = {"train": ["cat", "cat", "dog"], "test": ["dog", "dog", "dog"]}
    browser = open_page(audit_split(parts, y=labels, title="Pets & others"))
    assert browser.title == find(browser, "h1")[0].text == "Pets & others"
    pictures = find(browser, ".hf-image img")
    assert len(pictures) == 2 * 2 + 3  # two pairs, and a group of different labels
    assert all(int(picture.get_attribute("naturalWidth")) > 10 for picture in pictures)
    assert all(picture.get_attribute("alt") for picture in pictures)
    assert all(cell.size["height"] > 5 for cell in find(browser, ".hf-near"))
    size = browser.get_window_size()
    browser.set_window_size(500, 900)
    try:
        root = "document.documentElement"
        assert browser.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    finally:
        browser.set_window_size(size["width"], size["height"])


@pytest.mark.parametrize(
    "dark", ['<body data-jp-theme-light="false">', '<html data-theme="dark"><body>']
)
def test_a_fragment_follows_the_page_around_it(browser, visit, prefer, tmp_path, dark):
    """Guards readers of dark notebooks and sites, where the browser itself prefers light pages."""
    prefer("light")
    image = Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 50)
    finder = NearDuplicateFinder().fit([image, image])
    audit = audit_split([image], [image])
    colors = []
    for name, body in {"light": "<body>", "dark": dark}.items():
        page = tmp_path / f"{name}.html"
        page.write_text(
            f"<!DOCTYPE html>{body}{finder._repr_html_()}{audit._repr_html_()}", encoding="utf-8"
        )
        visit(page)
        shown = browser.find_elements("css selector", ".hf-notebook")
        colors.append([part.value_of_css_property("background-color") for part in shown])
    assert colors == [["rgba(255, 255, 255, 1)"] * 2, ["rgba(13, 17, 23, 1)"] * 2]
