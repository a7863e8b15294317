"""The transformer in scikit-learn: containers, dtypes, names, pipelines, searches."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from hashfeatures import FailedImagesWarning, ImageHashFeaturizer, ImageReadError, ParameterError


def test_shape_and_names(image_files):
    featurizer = ImageHashFeaturizer(["phash", "dhash:16", "colorhash"])
    bits = featurizer.fit_transform(image_files)
    names = featurizer.get_feature_names_out()
    assert bits.shape == (6, 64 + 256 + 42)
    assert names.dtype == object
    assert names[[0, 63, 64, 319, 320, 361]].tolist() == [
        *("phash_00", "phash_63", "dhash16_000", "dhash16_255", "colorhash_00", "colorhash_41")
    ]
    assert set(np.unique(bits)) == {0, 1}


@pytest.mark.parametrize("files", [6, 0])
def test_the_dtype_depends_on_errors_alone(image_files, files):
    """Not on whether something failed: a pipeline must not change under the data."""
    X = image_files[:files]
    assert ImageHashFeaturizer().transform(X).dtype == np.uint8
    assert ImageHashFeaturizer(errors="coerce").transform(X).dtype == np.float32


def test_a_failed_image_is_a_row_of_nan(image_files):
    X = [image_files[0], "no such file.png", image_files[1]]
    with pytest.raises(ImageReadError, match=r"image 1, 'no such file\.png'"):
        ImageHashFeaturizer().transform(X)
    with pytest.warns(FailedImagesWarning, match="1 of 3"):
        bits = ImageHashFeaturizer(errors="coerce").transform(X)
    assert np.isnan(bits[1]).all()
    np.testing.assert_array_equal(bits[[0, 2]], ImageHashFeaturizer().transform(image_files[:2]))


CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "column of an array": lambda files: np.array(files, dtype=object)[:, None],
    "Series": pd.Series,
    "frame": lambda files: pd.DataFrame({"image": files}),
    "polars Series": pl.Series,
    "polars frame": lambda files: pl.DataFrame({"image": files}),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers_give_the_same_bits(image_files, kind):
    featurizer = ImageHashFeaturizer()
    np.testing.assert_array_equal(
        featurizer.fit_transform(CONTAINERS[kind](image_files)),
        featurizer.fit_transform(image_files),
    )


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_a_single_image_is_refused(image_files, method):
    with pytest.raises(TypeError, match="ImageHashFeaturizer expects a list"):
        getattr(ImageHashFeaturizer(), method)(image_files[0])
    two = pd.DataFrame({"a": image_files, "b": image_files})
    with pytest.raises(ValueError, match="2 columns"):
        getattr(ImageHashFeaturizer(), method)(two)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"hashes": "md5"}, {"decode": "half"}, {"orient": 1}, {"errors": "ignore"}),
        *({"background": "no color"}, {"background": (1, 2)}, {"background": (1, 2, 300)}),
        *({"progress": "yes"}, {"n_jobs": "2"}, {"n_jobs": 0}),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_wrong_parameters_are_named_before_images_are_read(method, wrong):
    featurizer = ImageHashFeaturizer(**wrong)
    with pytest.raises(
        ParameterError, match=r"hash|'decode'|'orient'|'errors'|'back|'progr|'n_jobs'"
    ):
        getattr(featurizer, method)(["no such file.png"])


def test_orientation_and_background_are_parameters(encode, noise_image):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 8
    turned = encode(noise_image(1), "PNG", exif=exif)
    clear = noise_image(1)
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    apart = ImageHashFeaturizer("phash", orient=False, background=None).transform([turned, clear])
    seen = ImageHashFeaturizer("phash").transform([turned, clear])
    assert ((apart != seen).sum(axis=1) > 8).all()
    np.testing.assert_array_equal(apart[0], apart[1])  # the pixels are the same underneath


def test_stateless(image_files):
    featurizer = ImageHashFeaturizer()
    before = featurizer.get_feature_names_out()
    expected = featurizer.transform(image_files)
    assert featurizer.fit(["never read.png"]) is featurizer
    np.testing.assert_array_equal(featurizer.transform(image_files), expected)
    np.testing.assert_array_equal(featurizer.get_feature_names_out(), before)
    copy = pickle.loads(pickle.dumps(clone(featurizer)))
    np.testing.assert_array_equal(copy.transform(image_files), expected)
    assert vars(featurizer) == vars(ImageHashFeaturizer())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(image_files, library):
    X = pd.Series(image_files, index=list("abcdef"))
    featurizer = ImageHashFeaturizer("phash").set_output(transform=library)
    frame = featurizer.fit_transform(X)
    assert list(frame.columns) == featurizer.get_feature_names_out().tolist()
    np.testing.assert_array_equal(frame.to_numpy(), ImageHashFeaturizer("phash").transform(X))
    if library == "pandas":
        assert frame.index.tolist() == list("abcdef")
        assert set(frame.dtypes) == {np.dtype(np.uint8)}


def test_column_transformer_with_a_scalar_column(image_files):
    frame = pd.DataFrame({"image": image_files, "size": np.arange(6.0)})
    columns = ColumnTransformer(
        [("hash", ImageHashFeaturizer(["phash"]), "image"), ("size", StandardScaler(), ["size"])]
    )
    assert columns.fit_transform(frame).shape == (6, 65)
    assert columns.get_feature_names_out()[[0, 64]].tolist() == ["hash__phash_00", "size__size"]
    columns.set_output(transform="pandas")
    assert columns.fit_transform(frame).columns[64] == "size__size"


def test_pipeline_and_union(image_files):
    union = FeatureUnion(
        [("a", ImageHashFeaturizer("ahash")), ("b", ImageHashFeaturizer("dhash"))]
    )
    model = make_pipeline(union, KNeighborsClassifier(1)).fit(image_files, list("aabbcc"))
    assert model.predict(image_files).tolist() == list("aabbcc")
    assert model[:-1].get_feature_names_out()[64] == "b__dhash_00"


@pytest.mark.parametrize("routing", [False, True])
def test_grid_search_over_hashes(image_files, routing):
    model = make_pipeline(ImageHashFeaturizer(), KNeighborsClassifier(1))
    grid = {"imagehashfeaturizer__hashes": ["phash", ("phash", "dhash"), ["colorhash:4"]]}
    with sklearn.config_context(enable_metadata_routing=routing):
        search = GridSearchCV(model, grid, cv=2, error_score="raise")
        search.fit(image_files, [0, 0, 1, 1, 0, 1])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_html_repr():
    text = ImageHashFeaturizer("phash:16")._repr_html_()
    assert "ImageHashFeaturizer" in text
    assert "phash:16" in text


def test_open_files_can_be_transformed_twice(png_bytes):
    X = [io.BytesIO(png_bytes)]
    featurizer = ImageHashFeaturizer()
    np.testing.assert_array_equal(featurizer.fit_transform(X), featurizer.transform(X))


def test_booleans_of_numpy_are_booleans(image_files):
    """A grid of parameters is often an array."""
    expected = ImageHashFeaturizer(orient=True).transform(image_files)
    found = ImageHashFeaturizer(orient=np.True_).transform(image_files)
    np.testing.assert_array_equal(found, expected)
