"""Real requests to a real server on loopback: what is read, refused, given up and tried again."""

import re
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError, MissingExtraError, hash_images
from hashfeatures.extras import install_command
from hashfeatures.remote import read_url


class Handler(BaseHTTPRequestHandler):
    """Serves an image, and every way in which a server disappoints."""

    protocol_version = "HTTP/1.0"
    image = b""
    requests: list[str] = []  # noqa: RUF012
    stopping = threading.Event()

    def do_GET(self):
        self.requests.append(self.path)
        getattr(self, "answer_" + self.path.strip("/").partition(".")[0])()

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
    assert "<!doctype html>" in table["error"][2]
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
    monkeypatch.setattr("hashfeatures.images.read_url", lambda url: pytest.fail(url))
    ImageHashFeaturizer("ahash").transform([Image.new("L", (9, 9))])
