"""Odd files print nothing, whatever Pillow and libtiff say of them."""

from contextlib import suppress

from hashfeatures import ImageReadError
from hashfeatures.images._read import read_image


def test_broken_files_are_quiet(noise_image, encode, capfd):
    """What libtiff prints and Pillow warns of does not reach the terminal."""
    bilevel = noise_image(0, size=(400, 300), mode="1")
    data = bytearray(encode(bilevel, "TIFF", compression="group4"))
    data[200:230] = b"\xff" * 30
    with suppress(ImageReadError):
        read_image(bytes(data))
    assert capfd.readouterr() == ("", "")
