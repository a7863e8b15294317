"""The pages that people read: links lead somewhere, commands and names exist, and code runs."""

import ast
import contextlib
import importlib.util
import io
import json
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import hashfeatures
from hashfeatures import ImageHashFeaturizer
from hashfeatures.cli._app import app, main
from hashfeatures.cli.demo._planted import build_images

ROOT = Path(__file__).parents[1]
PACKAGE = Path(
    hashfeatures.__file__
).parent  # where it is installed, which need not be the checkout
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

# What blocks may import though it is not installed for the tests: these blocks are skipped.
NOT_INSTALLED = re.compile(r"^(?:import|from) (rawpy|torch|torchvision)\b", re.MULTILINE)

# Sections whose code starts a cluster: test_engines.py runs them.
ON_A_CLUSTER = re.compile(r"^(?:import|from) (dask|pyspark)\b", re.MULTILINE)

RESAMPLE = {"scores"}  # the code of these pages takes many seconds

# Pages whose code prints the same wherever it runs, as images ship with packages or are made here.
SHOW_OUTPUT = {
    *("features", "neighbors", "near-duplicates", "matching", "radius", "tables"),
    *("splits", "sequences", "leaks", "lock-a-split", "share-a-sealed-test-set"),
    *("collections", "large-collections"),
}


def name_page(page):
    return page.parent.name + "-" + page.stem


each_page = pytest.mark.parametrize("page", PAGES, ids=name_page)


def test_pages_are_found():
    """Guards the tests below from passing because the glob matches nothing."""
    assert len(PAGES) >= 9


@each_page
def test_links_lead_somewhere(page):
    """A link names a file, and after a "#" one of its headings."""
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    for path, _, heading in (link.partition("#") for link in links):
        if not path.startswith("https://"):
            target = page.parent / path if path else page
            assert target.exists(), path
            assert not heading or heading in anchors_of(target), f"{path}#{heading}"


def anchors_of(page):
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_for_builds_pins_what_the_project_pins():
    """It names the tag of the last release, and the checkout of the workflows."""
    page = (ROOT / "docs" / "how-to" / "fail-a-build.md").read_text("utf-8")
    version = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)[1]
    assert set(re.findall(r"(?:rev: |hashfeatures@)(\S+)", page)) == {f"v{version}"}
    (checkout,) = re.findall(r"actions/checkout@.*", page)
    assert checkout in (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")


def test_docstrings_name_pages_that_exist():
    """A docstring names a page by its path in the repository, or in the site."""
    for module in PACKAGE.rglob("*.py"):
        text = " ".join(module.read_text("utf-8").split())
        for path in re.findall(r"(?<!/)\b(?:docs|benchmarks|examples)/[\w./-]*\w", text):
            assert (ROOT / path).exists(), f"{module.name}: {path}"
        for path in re.findall(r":doc:`(?:[^`<]*<)?/([\w/-]+)>?`", text):
            assert (ROOT / "docs" / f"{path}.md").exists(), f"{module.name}: {path}"


@each_page
def test_commands_can_be_typed(page):
    """Each line is parsed as the command line would; nothing is run."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    typed = [re.split(r"&&|\|", line)[0] for line in lines if line.startswith("hashfeatures ")]
    for line in typed:
        _, name, *arguments = shlex.split(line, comments=True)
        if name == "--version":
            continue
        command = app.get_command(click.Context(app), name)
        assert command is not None, line
        command.make_context(name, arguments)


@each_page
def test_python_is_python_and_its_imports_exist(page):
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "hashfeatures":
                for alias in node.names:
                    assert hasattr(hashfeatures, alias.name)


def test_contributing_names_the_entries_and_modules_that_there_are():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    entries = {path.stem for path in PACKAGE.iterdir() if path.suffix in ("", ".py")}
    table = " ".join(line for line in text.splitlines() if line.startswith("| `"))
    named = {name.rstrip("/") for name in re.findall(r"`([^`]+)`", table)}
    assert named == entries - {"__init__", "__main__", "__pycache__"}
    for name in re.findall(r"`(\w+/[\w/]+(?:\.py)?)`", text):
        path = PACKAGE / name if (PACKAGE / name.partition("/")[0]).exists() else ROOT / name
        assert path.exists() or path.with_suffix(".py").exists(), name


def test_every_example_is_in_the_gallery():
    gallery = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for script in (ROOT / "examples").glob("plot_*.py"):
        assert f"]({script.name})" in gallery


def test_every_benchmark_is_listed_with_its_page():
    """A script is what can be run; the others are modules that scripts import."""
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs/benchmarks").glob("*.md"))
    for script in (ROOT / "benchmarks").glob("*.py"):
        runs = "__main__" in script.read_text(encoding="utf-8")
        assert (f"| [`{script.name}`]({script.name}) |" in readme) == runs
        assert not runs or f"\npython benchmarks/{script.name}" in pages


def write_road(photos):
    """Write a YOLO data set with a leak: a test image that is a copy of a training image."""
    for number, photo in enumerate([*photos[:-1], photos[0]]):
        part = "train" if number < 40 else "val" if number < 52 else "test"
        image = Path(f"road/images/{part}/{number}.jpg")
        label = Path(f"road/labels/{part}/{number}.txt")
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(photo.read_bytes())
        label.write_text(f"{number % 3} 0.5 0.5 0.2 0.2\n" * (number % 4))
    lines = [f"{part}: images/{part}\n" for part in ("train", "val", "test")]
    Path("road/data.yaml").write_text("".join([*lines, "names: [car, bus, bike]\n"]))


def write_coco(photos):
    """Write a COCO data set whose last image is the first one again, with other boxes."""
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    for part, first, last in (("train2017", 0, 40), ("val2017", 40, 60)):
        document = {"images": [], "annotations": [], "categories": categories}
        for number in range(first, last):
            image = Path(f"coco/{part}/{number:012}.jpg")
            image.parent.mkdir(parents=True, exist_ok=True)
            image.write_bytes(photos[number % 59].read_bytes())
            document["images"].append(
                {"id": number, "file_name": image.name, "width": 96, "height": 72}
            )
            document["annotations"].append(
                {
                    "id": number,
                    "image_id": number,
                    "category_id": 1 + number % 59 % 2,
                    "bbox": [8, 8, 20 if number < 59 else 80, 40],
                    "iscrowd": 0,
                }
            )
        path = Path(f"coco/annotations/instances_{part}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))


def write_dataset(photos):
    """Write a data set of Hugging Face whose last image is the first one again."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    files = [{"bytes": photos[n % 59].read_bytes(), "path": None} for n in range(60)]
    pets = datasets.Dataset.from_dict(
        {"image": files, "label": [n % 2 for n in range(60)]}, features=datasets.Features(kinds)
    )
    splits = {"train": pets.select(range(40)), "test": pets.select(range(40, 60))}
    datasets.DatasetDict(splits).save_to_disk("pets")


# What the blocks of a page find in the working directory, besides photos.
WRITERS = {
    "collections": [write_road],
    "near-duplicates": [write_coco],
    "split-a-yolo-data-set": [write_road],
    "audit-a-coco-set": [write_coco],
    "dedupe-a-hugging-face-data-set": [write_dataset],
}


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page.stem in RESAMPLE)) for page in PAGES],
    ids=name_page,
)
def test_the_code_of_a_page_runs_without_a_warning(page, tmp_path, monkeypatch, noise_image):
    """All blocks, one after the other, on photos of classes that bits do not tell apart."""
    monkeypatch.chdir(tmp_path)
    for seed in range(150):
        path = tmp_path / "photos" / f"class {seed % 6}" / f"{seed:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(seed, size=(96, 72)).save(path)
    paths = sorted((tmp_path / "photos").rglob("*.jpg"))
    classes = [path.parent.name for path in paths]
    rng = np.random.default_rng(0)
    given = {
        "paths": paths,
        "labels": classes,
        "model": make_pipeline(ImageHashFeaturizer("phash"), LogisticRegression(max_iter=1000)),
        "new_paths": paths[:4],
        "more_paths": paths[4:6],
        "new": paths[0],
        "urls": paths[:9],  # a file is read where a URL would be
        "frame": pd.DataFrame({"image": paths, "score": range(len(paths))}),
        "bits": rng.integers(0, 2, (len(paths), 64)),
        "new_bits": rng.integers(0, 2, (4, 64)),
        "query_bits": rng.integers(0, 2, (4, 64)),
    }
    for write in WRITERS.get(page.stem, []):
        write(paths[:60])
    sections = re.split(r"\n(?=## )", page.read_text("utf-8"))
    text = "\n".join(each for each in sections if not ON_A_CLUSTER.search(each))
    for block, shown in re.findall(
        r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", text, re.DOTALL
    ):
        if not all(map(importlib.util.find_spec, set(NOT_INSTALLED.findall(block)))):
            continue
        # A folder stands for the bucket, and local processes for the cluster.
        here = block.replace("s3://bucket", str(tmp_path)).replace(', executor="auto"', "")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(here, given)
        if page.stem in SHOW_OUTPUT:
            assert normalize(printed.getvalue()) == normalize(shown)


def normalize(output):
    """Return printed words, with decimals and missing values as every release prints them."""
    rounded = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", output)
    return rounded.replace("None", "NaN").split()


def run_block(language, block, names):
    """Run a block of Python, or the commands of a block for the shell."""
    if language == "python":
        exec(block, names)
    for line in block.splitlines() if language == "bash" else []:
        if line.startswith("hashfeatures ") and " demo " not in line and "--version" not in line:
            main(shlex.split(line)[1:])


@pytest.mark.slow
def test_get_started_prints_what_it_shows(tmp_path, monkeypatch, capsys):
    """On the photos of the demo, the lines of each result are printed, in their order."""
    pytest.importorskip("skimage")
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    build_images(Path("photos"), seed=0)
    text = (ROOT / "docs" / "get-started.md").read_text("utf-8")
    names, printed = {}, ""
    for language, block in re.findall(r"```(python|bash|text)\n(.*?)```", text, re.DOTALL):
        if language != "text":
            run_block(language, block, names)
            printed = "".join(capsys.readouterr())
        elif not block.startswith("py "):  # what Windows users type
            position = 0
            for line in block.splitlines():
                line = re.sub(r"\(\d+ kB\)", "", line)  # depends on the encoder of JPEG files
                position = re.sub(r"\(\d+ kB\)", "", printed).find(line.strip("."), position)
                assert position >= 0, f"{line}\n\nis not in\n\n{printed}"
