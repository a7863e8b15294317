"""Scenes are cut where the pictures change, and nowhere else."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from hashfeatures import FailedImagesWarning, SequenceFinder, find_sequences
from hashfeatures.model_selection.sequences import _pictures
from hashfeatures.model_selection.sequences._pixels import label_scenes

SIDE = 96


@pytest.fixture(scope="module")
def large_photos(photos):
    """Return photos that leave room to pan."""
    opened = []
    for path in photos:
        with Image.open(path) as photo:
            if min(photo.size) >= 250 and photo.mode in {"RGB", "L"}:
                opened.append(photo.convert("RGB"))
    assert len(opened) > 12
    return opened


def pan(photo, n_frames, seed, speed=0.03):
    """Return frames of a camera that moves over a photo, while the light changes a little."""
    rng = np.random.default_rng(seed)
    width, height = photo.size
    side = min(width, height) * 0.5
    place = rng.uniform(0, [width - side, height - side])
    step = rng.normal(size=2)
    step *= speed * side / np.linalg.norm(step)
    light, fading = rng.uniform(0.8, 1.1), rng.normal(1, 0.01)
    frames = []
    for _ in range(n_frames):
        box = (*place, *(place + side))
        frame = photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)
        frames.append(ImageEnhance.Brightness(frame).enhance(light))
        step = np.where((place + step < 0) | (place + step > [width - side, height - side]),
                        -step, step)  # fmt: skip
        place, light = place + step, light * fading
    return frames


def flicker(photo, n_frames, seed):
    """Return frames of a fixed camera with noise and changing light."""
    rng = np.random.default_rng(seed)
    pixels = np.asarray(photo.resize((SIDE, SIDE))).astype(float)
    return [
        Image.fromarray(
            np.clip(pixels * rng.normal(1, 0.08) + rng.normal(0, 4, pixels.shape), 0, 255).astype(
                np.uint8
            )
        )
        for _ in range(n_frames)
    ]


def label(images, **options):
    return label_scenes(images, np.arange(len(images)), **options)


def join(scenes):
    """Return the images of scenes in a row, and the scene of each."""
    truth = np.repeat(np.arange(len(scenes)), [len(scene) for scene in scenes])
    return [image for scene in scenes for image in scene], truth


def count_pairs(labels):
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def rate(labels, truth):
    """Return precision and recall of the pairs of images in one scene."""
    both = count_pairs(truth * (labels.max() + 1) + labels)
    return both / max(count_pairs(labels), 1), both / max(count_pairs(truth), 1)


@pytest.mark.parametrize("speed", [0.01, 0.04])
def test_pans_over_photos_are_scenes(large_photos, speed):
    """Frames that move are one scene, though its first and last frame share little."""
    lengths = [12, 25, 6, 18, 30, 9, 14, 22, 11, 16]
    scenes = [
        pan(photo, length, seed, speed)
        for seed, (photo, length) in enumerate(zip(large_photos, lengths, strict=False))
    ]
    precision, recall = rate(label(join(scenes)[0]), join(scenes)[1])
    assert precision > 0.95
    assert recall > 0.9


def test_fixed_cameras_with_flicker_are_scenes(large_photos):
    """Noise and changing light cut nothing, and another place is another scene."""
    images, truth = join([flicker(photo, 20, seed) for seed, photo in enumerate(large_photos[:5])])
    assert np.array_equal(label(images), truth)


@pytest.mark.parametrize("n_frames", [2, 5, 40])
@pytest.mark.parametrize("make", [pan, flicker])
def test_one_scene_is_not_cut(large_photos, make, n_frames):
    """A collection without strangers has nothing to compare neighbors with, and stays whole."""
    assert not label(make(large_photos[3], n_frames, 0)).any()


def test_unrelated_photos_are_alone(large_photos):
    """Photos of different things do not chain, however many there are."""
    labels = label(large_photos)
    assert len(np.unique(labels)) >= len(large_photos) - 1


def test_unrelated_noise_is_alone(noise_image):
    """Neighbors that are not nearer than strangers are not a scene."""
    labels = label([noise_image(seed) for seed in range(200)])
    assert len(np.unique(labels)) >= 196


def test_scenes_of_one_among_longer_scenes(large_photos):
    """A single photo between two recordings belongs to neither."""
    scenes = []
    for number, photo in enumerate(large_photos[:12]):
        scenes.append(pan(photo, 15 if number % 3 else 1, number))
    images, truth = join(scenes)
    precision, recall = rate(label(images), truth)
    assert precision > 0.95
    assert recall > 0.9


def test_two_scenes_of_a_few_images(large_photos):
    """Too few images to learn from are compared by their correlation alone."""
    images, truth = join([flicker(large_photos[0], 3, 0), flicker(large_photos[1], 3, 1)])
    assert np.array_equal(label(images), truth)


def test_equal_flat_images_are_one_scene():
    """Flat images correlate with nothing, but black frames in a row are one picture."""
    images = [Image.new("RGB", (40, 40), color) for color in ("black", "black", "white", "white")]
    assert label(images).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("n_images", [0, 1])
def test_too_few_images_to_compare(large_photos, n_images):
    """No image and one image have no neighbors, and raise nothing."""
    assert label(large_photos[:n_images]).tolist() == [0] * n_images


def test_the_order_decides(large_photos):
    """Images are neighbors by the given order, and labels are in that order."""
    images, truth = join([flicker(photo, 6, seed) for seed, photo in enumerate(large_photos[:4])])
    shuffled = np.random.default_rng(0).permutation(len(images))
    order = np.argsort(shuffled)
    assert np.array_equal(label_scenes([images[row] for row in shuffled], order), truth)


def test_a_scene_goes_on_across_an_unreadable_image(large_photos, tmp_path):
    """An image that cannot be read is alone, and cuts no scene in two."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    frames = flicker(large_photos[0], 4, 0)
    with pytest.warns(FailedImagesWarning, match="2 of 6"):
        labels = label([frames[0], frames[1], str(broken), frames[2], frames[3], tmp_path / "no"])
    assert labels.tolist() == [0, 0, 1, 0, 0, 2]


def test_all_unreadable_images_are_alone(tmp_path):
    """A collection without a readable image is not a scene."""
    with pytest.warns(FailedImagesWarning):
        assert label([tmp_path / "a.png", tmp_path / "b.png"]).tolist() == [0, 1]


def test_workers_and_blocks_change_nothing(large_photos, monkeypatch):
    """The same images have the same scenes on one worker and two, in blocks of any size."""
    images, _ = join([pan(photo, 8, seed) for seed, photo in enumerate(large_photos[:6])])
    expected = label(images)
    assert np.array_equal(label(images, n_jobs=2), expected)
    monkeypatch.setattr(_pictures, "_BLOCK", 7)
    assert np.array_equal(label(images), expected)


def test_a_shift_is_found():
    """A moved camera shows the same picture at another place, which the correlation finds."""
    noise = np.random.default_rng(0).normal(100, 40, (20, 20)).astype(np.float32)
    luma = np.stack([noise[2:18, 2:18], noise[:16, 4:20]])
    luma -= luma.mean((1, 2), keepdims=True)
    found = _pictures._correlate_shifted(luma[:1], luma[1:])[0]
    place = np.unravel_index(found.argmax(), found.shape)
    assert (place[0] - 4, place[1] - 4) == (2, -2)
    assert found.max() == pytest.approx(1, abs=0.02)


def test_correlation_equals_the_plain_one():
    """The correlation by Fourier transforms is that of the overlap, at every shift."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 30, (2, 1, 16, 16)).astype(np.float32)
    found = _pictures._correlate_shifted(one, other)[0]
    for down in range(-4, 5):
        for right in range(-4, 5):
            a = one[0, max(0, -down) : 16 - max(0, down), max(0, -right) : 16 - max(0, right)]
            b = other[0, max(0, down) : 16 + min(0, down), max(0, right) : 16 + min(0, right)]
            variances = (a.var() + _pictures._NOISE) * (b.var() + _pictures._NOISE)
            expected = ((a - a.mean()) * (b - b.mean())).mean() / np.sqrt(variances)
            assert found[down + 4, right + 4] == pytest.approx(expected, abs=1e-4)


def test_finder_cuts_scenes_within_folders(large_photos, tmp_path):
    """With names, images are in the order of their names, and a folder begins a scene."""
    words = iter(["ant", "bat", "cow", "dog", "elk", "fox", "gnu", "hen", "ibis"])
    paths = []
    for folder, photo in (("a", large_photos[0]), ("b", large_photos[0]), ("b", large_photos[2])):
        for frame in flicker(photo, 3, 0):
            path = tmp_path / folder / f"{next(words)}.png"
            path.parent.mkdir(exist_ok=True)
            frame.save(path)
            paths.append(path)
    paths = [paths[row] for row in (8, 0, 4, 1, 5, 3, 2, 6, 7)]
    labels = find_sequences(paths, by=("name", "pixels"))
    assert labels.tolist() == [0, 1, 2, 1, 2, 2, 1, 0, 0]


def test_finder_keeps_the_order_of_the_images_without_names(large_photos):
    """By pixels alone, images are neighbors where they are listed as such."""
    images, truth = join([flicker(photo, 3, 0) for photo in large_photos[2:5]])
    finder = SequenceFinder(by="pixels").fit(images)
    assert np.array_equal(finder.labels_, truth)
    assert finder.positions_.tolist() == [0, 1, 2] * 3
    assert "by their pixels" in finder.description_


def test_sizes_that_grow_and_start_again_are_evidence(large_photos):
    """A size that grows is one scene, and a small image after a large one begins another."""
    scenes = []
    for number in range(12):
        frames = pan(large_photos[number % 3], 15, number, speed=0.02)
        scenes.append([frame.resize((24 + 4 * i,) * 2) for i, frame in enumerate(frames)])
    images, truth = join(scenes)
    precision, recall = rate(label(images), truth)
    assert precision > 0.95
    assert recall > 0.9
