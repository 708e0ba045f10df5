"""Text as the identifier sees it: hashed character n-grams and words, counted by scikit-learn."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

NGRAMS = (1, 4)  # characters, within word boundaries; 5 gained hardly anything and cost twice the memory (docs/log.md)
NGRAM_FEATURES, WORD_FEATURES = 2**18, 2**16
CROPS = (2, 3, 4, 6, 9)  # words: half of what is trained on is as short as a heading or a button


def features(texts: Sequence[str]) -> Any:
    """A sparse matrix [len(texts), 327,680], fp32; each half of a row has length 1."""
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import FeatureUnion

    common: dict[str, Any] = {"alternate_sign": False, "norm": "l2", "dtype": np.float32}
    ngrams = HashingVectorizer(analyzer="char_wb", ngram_range=NGRAMS, n_features=NGRAM_FEATURES, **common)
    words = HashingVectorizer(token_pattern=r"\w+'?", n_features=WORD_FEATURES, **common)
    return FeatureUnion([("ngrams", ngrams), ("words", words)]).transform(texts).tocsr()


def with_crops(lines: Iterable[str], seed: int) -> list[str]:
    """Every line, and a few words out of it, so that short texts are known too."""
    chance, found = random.Random(seed), []
    for line in lines:
        words = line.split()
        size = chance.choice(CROPS)
        start = chance.randrange(max(1, len(words) - size))
        found += [line, " ".join(words[start : start + size])]
    return found
