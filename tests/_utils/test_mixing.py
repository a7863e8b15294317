"""Words are mixed as SplitMix64 mixes them, so that hashes stay the same in all releases."""

import numpy as np

from hashfeatures._utils.mixing import GAMMA, mix_words


def test_outputs_are_those_of_the_published_generator():
    states = [(1234567 + number * GAMMA) % 2**64 for number in (1, 2, 3)]
    mixed = mix_words(np.array(states, dtype=np.uint64)).tolist()
    assert mixed == [6457827717110365317, 3203168211198807973, 9817491932198370423]
