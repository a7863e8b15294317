"""``hashfeatures stages --against`` says in stages what ``hashfeatures leaks`` says."""

import json
import shutil

import pytest

from hashfeatures.cli import main
from hashfeatures.distributed import read_stage

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")


@pytest.fixture
def sets(family, tmp_path):
    """Return two folders: the second holds edited copies of some photos of the first."""
    files, shown = family
    places = tmp_path / "train", tmp_path / "test"
    for place in places:
        place.mkdir()
    for file, photo in zip(files, shown, strict=True):
        if "original" in file or photo < 2:
            shutil.move(file, places["original" not in file])
    return places


def run(capsys, *arguments):
    code = main([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.cluster)])
def test_the_report_is_that_of_leaks(engine, sets, tmp_path, capsys, request):
    """So it is after either folder has grown, and the exit code is 1."""
    if engine == "ray":
        request.getfixturevalue("ray_cluster")
    train, test = sets
    asked = ["stages", train, "--against", test, "-o", tmp_path / "run", "--engine", engine]
    moved = sorted(test.iterdir())[0]
    shutil.move(moved, tmp_path)
    assert run(capsys, *asked, "-j", 2)[0] == 1
    shutil.move(tmp_path / moved.name, test)
    code, report = run(capsys, *asked, "-j", 2)
    leaks = run(capsys, "leaks", train, test)
    out = report.pop("out")
    assert len(read_stage(out)) == sum(report["parts"].values())
    assert report["leaking"] == 4
    order = [tuple(sorted(map(str, pair.items()))) for pair in report["worst"]]
    assert sorted(order) == sorted(
        tuple(sorted(map(str, pair.items()))) for pair in leaks[1]["worst"]
    )
    assert (code, report | {"worst": []}) == (leaks[0], leaks[1] | {"worst": []})


def test_the_report_has_lines(sets, tmp_path, capsys):
    """The nearest pairs follow the sentence. Another folder is compared beside the first."""
    train, test = sets
    asked = ["stages", str(train), "-o", str(tmp_path / "run"), "-j", "1"]
    assert main([*asked, "--against", str(test)]) == 1
    sentence, *lines = capsys.readouterr().out.splitlines()
    assert sentence.startswith("4 of 4 images in test (100.0%) have a near duplicate in train.")
    assert len(lines) == 4
    assert "astronaut_original.png" in lines[0]
    assert main([*asked, "--against", str(train)]) == 1
    assert "5 of 5 images" in capsys.readouterr().out
    assert len(list((tmp_path / "run" / "against").iterdir())) == 2


def test_what_was_not_compared_has_an_exit_code(sets, tmp_path, capsys):
    """It is 4 if nothing leaks and an image of either set cannot be read."""
    train, test = sets
    for path in test.iterdir():
        path.write_bytes(b"no image")
    asked = ["stages", str(train), "--against", str(test), "-o", str(tmp_path / "run"), "-j", "1"]
    assert main(asked) == 4
    printed = capsys.readouterr()
    assert "Not checked: none of 4 images in test could be read." in printed.out
    assert "see --allow-unreadable" in printed.err
    shutil.copy(next(train.iterdir()), test / "same.png")
    assert main(asked) == 1
    (test / "same.png").unlink()


def test_allowed_failures_are_no_error(sets, noise_image, tmp_path, capsys):
    train, test = sets
    shutil.rmtree(test)
    test.mkdir()
    noise_image(3, size=(64, 48)).save(test / "other.png")
    (test / "broken.png").write_bytes(b"no image")
    asked = ["stages", str(train), "--against", str(test), "-o", str(tmp_path / "run"), "-j", "1"]
    assert main(asked) == 4
    assert main([*asked, "--allow-unreadable", "1"]) == 0
    assert "0 of 2 images in test (0.0%)" in capsys.readouterr().out


def test_options_without_effect_are_refused(sets, tmp_path, capsys):
    train, test = map(str, sets)
    asked = ["stages", train, "-o", str(tmp_path / "run")]
    assert main([*asked, "--allow-unreadable", "1"]) == 2
    assert "has no effect without --against" in capsys.readouterr().err
    assert main([*asked, "--against", test, "--stratify-by", "parent"]) == 2
    assert "--stratify-by has no effect with --against" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
