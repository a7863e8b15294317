"""Parts of remote files are read where servers send them, and whole files wherever they do not."""

import io
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import numpy as np
import pytest
from PIL import Image

from hashfeatures import ImageReadError, hash_images
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing._worker import hash_one
from hashfeatures.images import _remote as remote
from hashfeatures.images import _remote_scans as scans
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._read import read_image
from hashfeatures.images._remote_scans import read_remote

LUMA = Reduction(64, color=False)


class Handler(BaseHTTPRequestHandler):
    """Serves files by ranges, and in every other way in which servers answer such requests."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes] = {}  # noqa: RUF012
    requests: list[tuple[str, str | None]] = []  # noqa: RUF012
    n_sent = 0

    def do_GET(self):
        span = self.headers.get("Range")
        kind, name = self.path.strip("/").split("/")
        self.requests.append((kind, span))
        body = self.files[name]
        if span is None or kind == "ignoring":
            self.send(200, body)
            return
        first, last = (int(text) for text in span.partition("=")[2].split("-"))
        part = body[first : last + 1]
        place = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
        getattr(self, "answer_" + kind)(part, place)

    def send(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        type(self).n_sent += len(body)
        self.wfile.write(body)

    def answer_fair(self, part, place):
        self.send(206, part, **{"Content-Range": place, "ETag": '"1"'})

    def answer_shifted(self, part, place):
        self.send(206, part, **{"Content-Range": place.replace("bytes ", "bytes 1")})

    def answer_silent(self, part, place):
        self.send(206, part)

    def answer_short(self, part, place):
        self.send(206, part[:-1], **{"Content-Range": place})

    def answer_long(self, part, place):
        self.send(206, part + bytes(9), **{"Content-Range": place})

    def answer_packed(self, part, place):
        self.send(206, part, **{"Content-Range": place, "Content-Encoding": "br"})

    def answer_unlimited(self, part, place):
        self.send(206, part, **{"Content-Range": place.partition("/")[0] + "/*"})

    def answer_changing(self, part, place):
        self.send(206, part, **{"Content-Range": place, "ETag": f'"{len(self.requests)}"'})

    def answer_refusing(self, part, place):
        self.send(416, b"")

    def answer_huge(self, part, place):
        total = remote.MAX_BYTES + 1
        self.send(206, part, **{"Content-Range": f"{place.partition('/')[0]}/{total}"})

    def answer_busy(self, part, place):
        if len(self.requests) == 1:
            self.send(503, b"")
        else:
            self.answer_fair(part, place)

    def handle(self):
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def photos():
    """Files of one picture: progressive, baseline, progressive without its end, and small."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize((800, 600), Image.Resampling.BICUBIC)).astype(int)
    image = Image.fromarray(
        np.clip(smooth + rng.integers(-30, 31, (600, 800, 1)), 0, 255).astype(np.uint8)
    )
    encoded = {}
    for name, options in (("progressive", {"progressive": True}), ("baseline", {})):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=95, **options)
        encoded[name] = file.getvalue()
    file = io.BytesIO()
    Image.new("RGB", (800, 600), "red").save(file, "JPEG", progressive=True)
    encoded["plain"] = file.getvalue()
    encoded["truncated"] = encoded["progressive"][:-1000]
    return encoded


@pytest.fixture(scope="module")
def site(photos):
    Handler.files = photos
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(scans, "_FIRST", 2**12)
    Handler.requests.clear()
    Handler.n_sent = 0
    remote._hosts.clear()


def test_a_progressive_file_is_read_to_the_end_of_its_first_scans(site, photos):
    content = photos["progressive"]
    found = read_remote(f"{site}/fair/progressive", LUMA)
    assert not found.is_whole
    assert Handler.n_sent < len(content) / 3
    assert Handler.requests[0] == ("fair", "bytes=0-4095")
    assert Handler.requests[-1] == ("fair", f"bytes={len(content) - 2}-{len(content) - 1}")


def test_pixels_are_those_of_the_local_file(site, photos):
    """How the bytes arrived changes no bit."""
    for name in ("progressive", "baseline", "plain"):
        local = read_image(photos[name], Decoding("reduced"), LUMA)
        for kind in ("fair", "ignoring"):
            found = read_image(f"{site}/{kind}/{name}", Decoding("reduced"), LUMA)
            np.testing.assert_array_equal(np.asarray(found.image), np.asarray(local.image))
            assert (found.width, found.height, found.format) == (800, 600, "JPEG")


@pytest.mark.parametrize("name", ["baseline", "truncated"])
def test_other_files_are_put_together_from_their_parts(site, photos, name):
    found = read_remote(f"{site}/fair/{name}", LUMA)
    assert found == (photos[name], True)
    assert Handler.n_sent <= len(photos[name]) + 2


@pytest.mark.parametrize(
    "kind",
    [
        *("ignoring", "shifted", "silent", "short", "long", "packed", "unlimited", "changing"),
        "refusing",
    ],
)
def test_whole_files_are_read_from_servers_that_send_no_parts(site, photos, kind):
    """A server that ignores ranges is asked once, and one that lies a second time."""
    assert read_remote(f"{site}/{kind}/progressive", LUMA) == (photos["progressive"], True)
    if kind == "ignoring":
        assert len(Handler.requests) == 1
    else:
        assert Handler.requests[-1] == (kind, None)
        assert sum(span is None for _, span in Handler.requests) == 1


def test_parts_are_tried_again_as_whole_files_are(site):
    assert not read_remote(f"{site}/busy/progressive", LUMA).is_whole


def test_the_limit_is_that_of_the_whole_file(site):
    with pytest.raises(OSError, match="longer than the limit"):
        read_remote(f"{site}/huge/progressive", LUMA)
    assert len(Handler.requests) == 1


def test_a_truncated_remote_file_is_reported(site):
    with pytest.raises(ImageReadError, match="truncated"):
        read_image(f"{site}/fair/truncated", Decoding("reduced"), LUMA)


def test_digests_are_of_the_whole_remote_file(site, photos):
    """An image of low detail is read whole after all."""
    specs = parse_hashes("phash")
    local = hash_one(photos["plain"], specs, Decoding("reduced"), 101, LUMA)
    found = hash_one(f"{site}/fair/plain", specs, Decoding("reduced"), 101, LUMA)
    assert found.digest == local.digest


def test_full_decoding_requests_no_parts(site):
    hash_images([f"{site}/fair/progressive"])
    assert Handler.requests == [("fair", None)]


def test_mappings_may_hold_an_address(site):
    read_image({"bytes": None, "path": f"{site}/fair/progressive"}, Decoding("reduced"), LUMA)
    assert Handler.n_sent < len(Handler.files["progressive"]) / 3


def test_stores_are_read_in_parts(photos, monkeypatch):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/photos/a.jpg", photos["progressive"])
    n_read = 0
    cat_file = type(memory).cat_file

    def counting(self, path, start=None, end=None, **kwargs):
        nonlocal n_read
        part = cat_file(self, path, start=start, end=end, **kwargs)
        n_read += len(part)
        return part

    monkeypatch.setattr(type(memory), "cat_file", counting)
    found = read_image("memory://photos/a.jpg", Decoding("reduced"), LUMA)
    assert 0 < n_read < len(photos["progressive"]) / 3
    local = read_image(photos["progressive"], Decoding("reduced"), LUMA)
    np.testing.assert_array_equal(np.asarray(found.image), np.asarray(local.image))
    with pytest.raises(FileNotFoundError, match="nothing at this address"):
        read_remote("memory://photos/b.jpg", LUMA)


def test_stores_without_parts_are_read_whole(photos, monkeypatch):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/photos/a.jpg", photos["progressive"])

    def refuse(self, path, start=None, end=None, **kwargs):
        raise NotImplementedError

    monkeypatch.setattr(type(memory), "cat_file", refuse)
    assert read_remote("memory://photos/a.jpg", LUMA) == (photos["progressive"], True)
