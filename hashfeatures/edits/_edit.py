"""Edits by name, with their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from PIL import Image

from .._utils.descriptions import describe_value
from ..exceptions import ParameterError
from ..images._flatten import flatten
from ._color import brightness, contrast, gamma, grayscale, hue, recolor, saturation, vignette
from ._geometry import crop, crop_sides, flip, mirror, rotate, turn, zoom
from ._overlays import badge, bars, caption, overlay_text, pad, watermark
from ._quality import blur, noise, recompress, sharpen
from ._size import resize, screenshot, squeeze, thumbnail

EDITS: dict[str, Callable[..., Image.Image]] = {
    function.__name__: function
    for function in (
        *(resize, thumbnail, squeeze, screenshot, recompress, blur, sharpen, noise),
        *(gamma, contrast, brightness, grayscale, saturation, hue, recolor, vignette),
        *(watermark, overlay_text, caption, badge, bars, pad),
        *(crop, crop_sides, zoom, rotate, mirror, flip, turn),
    )
}


class Edit:
    """An edit with its parameters, or a sequence of edits.

    Read more in the :doc:`User Guide </user-guide/radius>`.

    Parameters
    ----------
    name : str
        The name of a function, one of the keys of ``hashfeatures.edits.EDITS``.
    **parameters
        Parameters of the function of that name. The others keep their defaults.

    Raises
    ------
    ParameterError
        If the edit does not exist, or it has no such parameter.

    See Also
    --------
    hashfeatures.calibrate : Measures how many edited copies are found.

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import Edit
    >>> cut = Edit("crop", share=0.1)
    >>> cut
    Edit('crop', share=0.1)
    >>> cut(Image.new("L", (200, 100))).size
    (160, 80)
    >>> smaller = cut.then("resize", scale=0.5)
    >>> print(smaller)
    crop share=0.1, resize scale=0.5
    >>> smaller(Image.new("L", (200, 100))).size
    (80, 40)
    """

    def __init__(self, name: str, **parameters: Any) -> None:
        function = EDITS.get(name)
        if function is None:
            close = get_close_matches(str(name), EDITS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ParameterError(
                f"There is no edit {describe_value(name)}.{hint} The edits are {', '.join(EDITS)}."
            )
        known = [key for key in inspect.signature(function).parameters if key != "image"]
        for key in parameters:
            if key not in known or key == "seed":
                listed = ", ".join(key for key in known if key != "seed") or "none"
                raise ParameterError(
                    f"The edit {name!r} has no parameter {key!r}. Its parameters: {listed}."
                )
        self._steps: tuple[tuple[str, dict[str, Any]], ...] = ((name, parameters),)

    def then(self, name: str, **parameters: Any) -> Edit:
        """Return this edit followed by another.

        Parameters
        ----------
        name : str
            The other edit.
        **parameters
            Its parameters.

        Returns
        -------
        Edit
            Both edits, one after the other.
        """
        both = Edit(name, **parameters)
        both._steps = (*self._steps, *both._steps)
        return both

    def __call__(self, image: Image.Image, seed: int = 0) -> Image.Image:
        """Return the edited image.

        Parameters
        ----------
        image : PIL.Image.Image
            An image of any mode. Transparent pixels are composed onto white first.
        seed : int, default=0
            The seed of random edits such as noise.

        Returns
        -------
        PIL.Image.Image
            A new image of mode RGB.
        """
        image = flatten(image).convert("RGB")
        for name, parameters in self._steps:
            function = EDITS[name]
            is_random = "seed" in inspect.signature(function).parameters
            image = function(image, **parameters, **({"seed": seed} if is_random else {}))
        return image

    def __str__(self) -> str:
        words = []
        for name, parameters in self._steps:
            words.append(
                " ".join([name, *(f"{key}={value}" for key, value in parameters.items())])
            )
        return ", ".join(words)

    def __repr__(self) -> str:
        (name, parameters), *others = self._steps
        text = f"Edit({_arguments_of(name, parameters)})"
        return text + "".join(f".then({_arguments_of(*step)})" for step in others)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edit) and self._steps == other._steps

    def __hash__(self) -> int:
        return hash(repr(self))


def _arguments_of(name: str, parameters: dict[str, Any]) -> str:
    return ", ".join([repr(name), *(f"{key}={value!r}" for key, value in parameters.items())])


EVERYDAY_EDITS = (
    Edit("resize", scale=0.5),
    Edit("thumbnail", side=64),
    Edit("squeeze", width=256, height=256),
    Edit("recompress", quality=50),
    Edit("recompress", quality=10),
    Edit("blur", radius=2),
    Edit("noise", sigma=10),
    Edit("noise", sigma=40),
    Edit("gamma", value=0.6),
    Edit("gamma", value=2),
    Edit("contrast", factor=1.5),
    Edit("brightness", factor=0.7),
    Edit("grayscale"),
    Edit("saturation", factor=2),
    Edit("hue", shift=25),
    Edit("watermark"),
    Edit("crop", share=0.01),
    Edit("crop", share=0.025),
    Edit("crop", share=0.05),
    Edit("bars", share=0.05),
    Edit("rotate", degrees=1),
    Edit("rotate", degrees=2),
    Edit("rotate", degrees=4),
    Edit("mirror"),
    Edit("turn", quarters=1),
)
"""Edits that people apply every day, one at a time. Views and radii were chosen by them."""
