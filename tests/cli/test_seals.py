"""A set is sealed, and images are checked against it: yes or no, and the exit codes of leaks."""

import json
import shutil

import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, check_against_seal


@pytest.fixture
def sealed(run, photos_folder):
    """Return the path of a seal of the folder with photos, in the working directory."""
    assert run("seal", photos_folder / "a", "-o", "test.seal", "-q").code == 0
    return "test.seal"


def test_seal_says_what_it_wrote(run, photos_folder):
    done = run("seal", photos_folder / "a", "-o", "test.seal")
    assert done.out == ""
    assert "6 images, 0 unreadable" in done.err
    assert "radius 12 of 128 bits" in done.err
    assert "exists already" in run("seal", photos_folder / "a", "-o", "test.seal").refusal()
    facts = run(
        "seal", photos_folder, "-o", "test.seal", "--force", "--json", "--views", "flips",
        "--hashes", "dhash", "--radius", "3",
    ).json()  # fmt: skip
    assert facts == {
        "output": "test.seal", "images": 12, "unreadable": 0, "low_detail": 0,
        "fingerprints": facts["fingerprints"], "hashes": ["dhash"], "views": "flips", "bits": 64,
        "radius": 3,
    }  # fmt: skip
    assert facts["fingerprints"] <= 12


def test_leaks_against_a_seal_end_as_leaks_do(run, photos_folder, sealed):
    """1 for a near duplicate, 0 for none, and 4 for none if some could not be compared."""
    found = run("leaks", photos_folder, "--against", sealed)
    assert found.code == 1
    assert found.out.startswith(
        "6 of 12 images (50.0%) have a near duplicate in the sealed set.\n"
    )
    assert found.out.count("\n  ") == 6
    assert run("leaks", photos_folder / "b", "--against", sealed).code == 0
    (photos_folder / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff no image")
    unread = run("leaks", photos_folder / "b", "--against", sealed)
    assert unread.code == 4
    assert "1 of 7 images could not be read, and 0 may be" in unread.err
    allowed = run("leaks", photos_folder / "b", "--against", sealed, "--allow-unreadable", "1")
    assert allowed.code == 0
    assert run("leaks", photos_folder, "--against", sealed).code == 1


def test_json_lists_each_image_with_a_yes_and_nothing_of_the_set(run, photos_folder, sealed):
    (photos_folder / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff no image")
    done = run("leaks", photos_folder, "--against", sealed, "--json", "-n", "1")
    assert done.code == 1
    facts = done.json()
    paths = sorted(str(path) for path in (photos_folder / "a").iterdir())
    assert sorted(facts.pop("found")) == paths
    unchecked = facts.pop("unchecked")
    assert "1 of 13 images could not be read" in unchecked
    assert facts == {"images": 13, "unreadable": 1, "leaking": 6, "share": 6 / 13}


def test_the_text_lists_as_many_as_asked_for(run, photos_folder, sealed):
    text = run("leaks", photos_folder, "--against", sealed, "-n", "2").out
    assert text.count(str(photos_folder)) == 2
    assert "  and 4 more images; see -n" in text
    assert run("leaks", photos_folder, "--against", sealed, "-n", "0").out.count("\n") == 1


def test_the_command_answers_as_the_package_does(run, photos_folder, image_files):
    run("seal", photos_folder / "a", "-o", "test.seal", "--views", "dihedral", "--trim-borders")
    images = sorted(str(path) for path in photos_folder.rglob("*.*"))
    check = check_against_seal(images, "test.seal")
    found = run("leaks", photos_folder, "--against", "test.seal", "--json").json()["found"]
    assert sorted(found) == [images[row] for row in check.leaking]


@pytest.mark.parametrize(
    "option",
    [
        ("--radius", "3"), ("--hashes", "dhash"), ("--views", "flips"), ("--decode", "full"),
        ("--trim-borders",), ("--verify",), ("--no-verify",), ("--min-agreement", "0.9"),
        ("--groups", "parent"), ("--sequence-pattern", "{sequence}_{frame}.png"),
    ],
)  # fmt: skip
def test_the_seal_says_how_images_are_compared(option, run, photos_folder, sealed):
    """An option of the comparison would be ignored silently."""
    refused = run("leaks", photos_folder, "--against", sealed, *option)
    assert f"{option[0]} has no effect with --against" in refused.refusal()


def test_seals_and_images_cannot_be_mixed_up(run, photos_folder, sealed):
    NearDuplicateFinder().fit([Image.new("L", (9, 9))]).save("known.finder")
    for command in (
        ("leaks", photos_folder / "a", sealed),
        ("duplicates", sealed),
        ("seal", sealed, "-o", "other.seal"),
        ("hash", "known.finder"),
    ):
        refused = run(*command).refusal()
        assert "holds no image" in refused
        assert "leaks PATHS --against" in refused
    image = next((photos_folder / "a").iterdir())
    for given, message in (
        (photos_folder, "is a folder, not a seal"),
        (image, "not a file of hashfeatures"),
        ("known.finder", "holds a NearDuplicateFinder, not a Seal"),
        ("none.seal", "none.seal: No such file"),
    ):
        assert message in run("leaks", photos_folder, "--against", given).refusal()


def test_files_of_hashes_are_neither_sealed_nor_checked(run, photos_folder, sealed):
    run("hash", photos_folder, "-o", "hashes.csv")
    for command in (
        ("seal", "hashes.csv", "-o", "new.seal"),
        ("leaks", "hashes.csv", "--against", sealed),
    ):
        assert "Give the images themselves" in run(*command).refusal()


def test_a_seal_without_pixels_takes_no_options_for_them(run, photos_folder):
    for option in (("--verify",), ("--min-agreement", "0.9")):
        refused = run("seal", photos_folder, "-o", "test.seal", *option).refusal()
        assert f"{option[0]} concerns pixels, and a seal holds none" in refused
    assert run("seal", photos_folder, "-o", "test.seal", "--no-verify").code == 0


def test_a_set_that_cannot_be_read_makes_no_seal(run, photos_folder, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "broken.jpg").write_bytes(b"\xff\xd8\xff no image")
    assert "nothing to seal" in run("seal", broken, "-o", "test.seal").err
    shutil.copy(next((photos_folder / "b").iterdir()), broken)
    refused = run("seal", broken, "-o", "test.seal")
    assert refused.code == 3
    assert "1 of 2 images could not be read and would be missing" in refused.err
    done = run("seal", broken, "-o", "test.seal", "--allow-unreadable", "1", "--json")
    assert json.loads(done.out)["unreadable"] == 1
