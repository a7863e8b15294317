"""Real requests to a real server on loopback: what is read, refused, given up and tried again."""

import io
import re
import sys
import threading
import time
import zipfile
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import joblib
import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    ImageHashFeaturizer,
    ImageReadError,
    MissingExtraError,
    ParameterError,
    hash_images,
)
from hashfeatures._utils.optional import install_command
from hashfeatures.images import _remote as remote
from hashfeatures.images._remote import read_url


class Handler(BaseHTTPRequestHandler):
    """Serves an image, and every way in which a server disappoints."""

    protocol_version = "HTTP/1.0"
    image = b""
    archive = b""
    requests: list[str] = []  # noqa: RUF012
    until: dict[str, float] = {}  # noqa: RUF012
    stopping = threading.Event()

    def do_GET(self):
        self.requests.append(self.path)
        name = urlsplit(self.path).path.strip("/").partition(".")[0]
        getattr(self, "answer_" + name)()

    def send(self, status, body=b"", kind="image/png", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_image(self):
        self.send(200, self.image)

    def answer_missing(self):
        self.send(404, b"no such file", "text/plain")

    def answer_forbidden(self):
        self.send(403, b"not for you", "text/plain")

    def answer_slow(self):
        self.stopping.wait(5)
        self.send(200, self.image)

    def answer_dripping(self):
        self.send(200)
        for byte in self.image:
            if self.stopping.wait(0.05):
                return
            self.wfile.write(bytes([byte]))

    def answer_endless(self):
        self.send(200)
        while not self.stopping.is_set():
            self.wfile.write(bytes(2**16))

    def answer_moved(self):
        self.send(302, Location="/image.png")

    def answer_page(self):
        self.send(200, b"<!doctype html><title>Hello</title>", "text/html")

    def answer_busy(self):
        """Says "later" twice, then answers."""
        if self.requests.count(self.path) < 3:
            self.send(503)
        else:
            self.send(200, self.image)

    def answer_limited(self):
        """Serves what the query asks for until the time that it told has passed, then answers."""
        settings = dict(parse_qsl(urlsplit(self.path).query))
        host = self.headers["Host"]
        now = time.time()
        until = self.until.setdefault(host, now + float(settings.get("seconds", 1)))
        if now >= until:
            self.send(200, self.image)
            return
        told = {}
        if settings["told"] == "date":
            told = {"Retry-After": formatdate(until + 1, usegmt=True)}
        elif settings["told"] != "nothing":
            told = {"Retry-After": settings["told"]}
        self.send(int(settings["status"]), **told)

    def answer_circle(self):
        self.send(302, Location="/circle")

    def answer_private(self):
        known = (self.headers["Authorization"], self.headers["X-Key"])
        self.send(200 if known == ("Bearer abc", "key") else 401, self.image)

    def answer_archive(self):
        """Serves a zip file by ranges, as fsspec asks for it."""
        if self.headers["X-Key"] != "key":
            self.send(401)
            return
        body = self.archive
        _, _, span = self.headers.get("Range", "").partition("=")
        if not span:
            self.send(200, body, "application/zip", **{"Content-Length": str(len(body))})
            return
        first, last = span.split("-")
        part = body[int(first) : int(last) + 1 if last else None]
        end = int(first) + len(part) - 1
        place = {"Content-Range": f"bytes {first}-{end}/{len(body)}"}
        self.send(206, part, "application/zip", **place)

    def do_HEAD(self):
        self.send(200, b"", **{"Content-Length": str(len(self.archive)), "Accept-Ranges": "bytes"})

    def answer_dropped(self):
        """Closes the connection without a word once, then answers."""
        if self.requests.count(self.path) > 1:
            self.send(200, self.image)

    def handle(self):
        with suppress(ConnectionError):  # the client has had enough, as the test wants it to
            super().handle()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site(png_bytes):
    Handler.image = png_bytes
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Handler.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def forget_requests():
    Handler.requests.clear()
    Handler.until.clear()
    remote._hosts.clear()


@pytest.fixture
def other_site(site):
    """The same server under a name that is another host's."""
    return site.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("page", ["image.png", "image.png?a=1&b=%20x", "moved"])
def test_content_arrives_whole(site, png_bytes, page):
    assert read_url(f"{site}/{page}") == png_bytes
    assert read_url(f"{site.replace('http', 'HTTP')}/{page}") == png_bytes


def test_two_colons_are_of_the_address(site, png_bytes):
    """They stand in the addresses of IPv6, and may stand in a path."""
    assert read_url(f"{site}/image.a::b.png") == png_bytes


def test_one_request_a_read(site):
    read_url(f"{site}/image.png")
    assert Handler.requests == ["/image.png"]


def test_missing_is_final(site):
    with pytest.raises(FileNotFoundError, match="nothing at this address"):
        read_url(f"{site}/missing")
    assert len(Handler.requests) == 1


def test_refused_is_final(site):
    with pytest.raises(OSError, match="403"):
        read_url(f"{site}/forbidden")
    assert len(Handler.requests) == 1


@pytest.mark.parametrize("page", ["slow", "dripping"])
def test_time_out_covers_the_whole_answer(site, page):
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"within 0\.3 seconds"):
        read_url(f"{site}/{page}", timeout=0.3, attempts=1)
    assert time.monotonic() - start < 3


def test_time_outs_are_tried_again(site):
    with pytest.raises(TimeoutError):
        read_url(f"{site}/slow", timeout=0.1, attempts=2)
    assert len(Handler.requests) == 2


def test_endless_body_stops_at_the_limit(site):
    with pytest.raises(OSError, match="longer than the limit of 100000 bytes"):
        read_url(f"{site}/endless", max_bytes=100_000)
    assert len(Handler.requests) == 1


def test_body_of_exactly_the_limit_is_read(site, png_bytes):
    assert read_url(f"{site}/image.png", max_bytes=len(png_bytes)) == png_bytes


@pytest.mark.parametrize(("page", "requests"), [("busy", 3), ("dropped", 2)])
def test_passing_faults_are_tried_again(site, png_bytes, page, requests):
    assert read_url(f"{site}/{page}") == png_bytes
    assert len(Handler.requests) == requests


@pytest.mark.parametrize("status", [429, 503, 403])
@pytest.mark.parametrize("told", ["1", "date"])
def test_a_server_is_left_alone_for_as_long_as_it_says(site, png_bytes, status, told):
    assert read_url(f"{site}/limited?status={status}&told={told}") == png_bytes
    assert len(Handler.requests) == 2


def test_too_many_requests_without_a_time_are_waited_for_too(site, png_bytes):
    assert read_url(f"{site}/limited?status=429&told=nothing&seconds=2.5") == png_bytes
    assert len(Handler.requests) == 3


def test_one_host_waits_and_others_go_on(site, other_site, png_bytes):
    """All reads from the host wait, and one request tells all of them."""
    limited = f"{site}/limited?status=429&told=2&seconds=2"
    first = threading.Thread(target=read_url, args=(limited,))
    first.start()
    while not Handler.requests:
        time.sleep(0.01)
    time.sleep(0.2)
    start = time.monotonic()
    assert read_url(f"{other_site}/image.png") == png_bytes
    assert time.monotonic() - start < 1
    assert read_url(f"{site}/image.png") == png_bytes
    assert time.monotonic() - start > 1
    first.join()


def test_a_wait_that_is_too_long_is_given_up_at_once(site):
    """The other images of the host are given up without asking it again."""
    start = time.monotonic()
    for _ in range(3):
        with pytest.raises(ConnectionError, match=r"429 Too.*retry in \d+ sec.*HASHFEATURES_MAX_"):
            read_url(f"{site}/limited?status=429&told=3600&seconds=3600")
    assert time.monotonic() - start < 2
    assert len(Handler.requests) == 1


def test_a_server_that_never_stops_saying_later_is_given_up(site):
    start = time.monotonic()
    for _ in range(20):
        with pytest.raises(ConnectionError, match="503"):
            read_url(f"{site}/limited?status=503&told=0&seconds=99", max_wait=1.5)
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky", "multiprocessing"])
def test_the_longest_wait_reaches_workers_of_every_backend(other_site, monkeypatch, backend):
    # Workers of loky outlive the test, and leave this host alone for a while.
    urls = [f"{other_site}/limited?status=429&told=50&seconds=50&n={n}" for n in range(3)]
    with joblib.parallel_config(backend=backend, n_jobs=2):
        hash_images([Image.new("L", (9, 9))] * 4, ["ahash"])  # workers that are there before
        monkeypatch.setenv("HASHFEATURES_MAX_WAIT", "2.5")
        with pytest.warns(UserWarning, match=r"limit is 2\.5 seconds"):
            hash_images(urls, ["ahash"])


def test_a_longest_wait_that_is_no_number(monkeypatch):
    monkeypatch.setenv("HASHFEATURES_MAX_WAIT", "long")
    with pytest.raises(ParameterError, match=r"HASHFEATURES_MAX_WAIT.*number of seconds.*'long'"):
        hash_images([Image.new("L", (9, 9))], ["ahash"])


def test_a_circle_of_redirects_is_called_one(site):
    with pytest.raises(OSError, match="redirects in a circle"):
        read_url(f"{site}/circle")


@pytest.fixture
def configuration(monkeypatch):
    """fsspec's own configuration, as it was afterwards."""
    conf = pytest.importorskip("fsspec").config.conf
    before = dict(conf)
    yield conf
    conf.clear()
    conf.update(before)


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_headers_of_fsspec_are_sent(site, configuration, backend, png_bytes):
    """In the client's own options and in those of requests, and beside what we add."""
    with joblib.parallel_config(backend=backend, n_jobs=2):
        hash_images([png_bytes] * 4, ["ahash"])  # workers that are there before
        configuration["http"] = {
            "client_kwargs": {"headers": {"Authorization": "Bearer abc"}},
            "headers": {"X-Key": "key"},
        }
        table = hash_images([f"{site}/private?{n}" for n in range(4)], ["ahash"])
    assert table["error"].isna().all()


def test_the_time_out_of_fsspec_is_kept(site, configuration):
    aiohttp = pytest.importorskip("aiohttp")
    configuration["http"] = {"client_kwargs": {"timeout": aiohttp.ClientTimeout(total=0.2)}}
    with pytest.raises(TimeoutError, match=r"within 0\.2 seconds"):
        read_url(f"{site}/slow", attempts=1)


def test_headers_are_sent_along_a_chain(site, configuration, png_bytes):
    Handler.archive = _zip_of(png_bytes)
    configuration["http"] = {"client_kwargs": {"headers": {"X-Key": "key"}}}
    assert read_url(f"zip://a b.png::{site}/archive.zip") == png_bytes


def _zip_of(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a b.png", content)
    return buffer.getvalue()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer abc"}])
@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_proxies_of_the_environment(site, monkeypatch, configuration, backend, headers, png_bytes):
    """The server stands for a proxy, which is asked for whole addresses."""
    configuration["http"] = {"client_kwargs": {"headers": headers}}
    with joblib.parallel_config(backend=backend, n_jobs=2):
        hash_images([png_bytes] * 4, ["ahash"])  # workers that are there before
        monkeypatch.setenv("http_proxy", site)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        far = "http://nowhere.invalid/image.png"
        table = hash_images([far, f"{site}/image.png"], ["ahash"])
    assert table["error"].isna().all()
    assert sorted(Handler.requests) == ["/image.png", far]


def test_a_proxy_of_fsspec_comes_before_that_of_the_environment(site, monkeypatch, configuration):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    configuration["http"] = {"proxy": site}
    read_url("http://nowhere.invalid/image.png")
    assert Handler.requests == ["http://nowhere.invalid/image.png"]


def test_nobody_answers():
    with pytest.raises(ConnectionError):
        read_url("http://127.0.0.1:1/image.png", attempts=1)


def test_other_protocols(tmp_path, png_bytes):
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://photos/cat.png", "wb") as file:
        file.write(png_bytes)
    assert read_url("memory://photos/cat.png") == png_bytes
    (tmp_path / "cat.png").write_bytes(png_bytes)
    assert read_url((tmp_path / "cat.png").as_uri()) == png_bytes
    with pytest.raises(FileNotFoundError):
        read_url("memory://photos/dog.png")


def test_unknown_protocol_is_an_unreadable_image():
    with pytest.raises(ImageReadError, match=r"image 0, 'gopher://cat\.png'.*gopher"):
        ImageHashFeaturizer("ahash").transform(["gopher://cat.png"])


def test_url_gives_the_bits_of_the_file(site, png_bytes):
    featurizer = ImageHashFeaturizer()
    np.testing.assert_array_equal(
        featurizer.transform([f"{site}/image.png", f"{site}/moved"]),
        featurizer.transform([png_bytes, png_bytes]),
    )


def test_failures_keep_their_rows(site):
    urls = [f"{site}/{page}" for page in ("missing", "image.png", "page")]
    with pytest.warns(UserWarning, match="2 of 3 images"):
        table = hash_images(urls, ["phash"])
    assert table["error"].isna().tolist() == [False, True, False]
    assert "nothing at this address" in table["error"][0]
    assert "the file is a web page, not an image" in table["error"][2]
    assert table["phash"].isna().tolist() == [True, False, True]


def test_a_protocol_whose_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"Reading a URL of s3: .*s3fs"):
        ImageHashFeaturizer("ahash", errors="coerce").transform(["s3://bucket/cat.png"])


def test_url_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=re.escape(install_command("remote"))):
        ImageHashFeaturizer("ahash").transform(["http://127.0.0.1/cat.png"])


def test_images_from_memory_need_no_network(monkeypatch):
    monkeypatch.setattr("hashfeatures.images._open.read_url", lambda url: pytest.fail(url))
    ImageHashFeaturizer("ahash").transform([Image.new("L", (9, 9))])


def test_another_machine_keeps_its_own_proxies(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://here:1")
    monkeypatch.setenv("HASHFEATURES_MAX_WAIT", "9")
    there = {"http_proxy": "http://there:1", "https_proxy": "http://there:2"}
    there["HASHFEATURES_MAX_WAIT"] = "5"
    monkeypatch.setenv("https_proxy", "")
    monkeypatch.delenv("https_proxy")
    remote.Network(("another machine", 1), there).apply()
    kept = there | {"http_proxy": "http://here:1"}
    assert remote._variables().items() >= kept.items()
