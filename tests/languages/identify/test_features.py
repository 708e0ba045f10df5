"""Features are counts of what is there, the same for the same text; crops are pieces of their lines."""

import numpy as np

from llimba.languages.identify.features import NGRAM_FEATURES, WORD_FEATURES, features, with_crops


def test_each_half_of_a_row_has_length_one() -> None:
    matrix = features(["Su sole essit dae su mare.", "Il sole"])
    assert matrix.shape == (2, NGRAM_FEATURES + WORD_FEATURES)
    squares = matrix.multiply(matrix)
    assert np.allclose(squares[:, :NGRAM_FEATURES].sum(1), 1)
    assert np.allclose(squares[:, NGRAM_FEATURES:].sum(1), 1)
    assert (features(["Il sole"]) != matrix[1]).nnz == 0


def test_crops_are_words_of_their_line() -> None:
    lines = ["a b c d e f g h i j k", "one two"]
    found = with_crops(lines, seed=1)
    assert found[::2] == lines
    assert all(crop in line for line, crop in zip(found[::2], found[1::2], strict=True))
    assert found == with_crops(lines, seed=1)
