"""Text as the identifier sees it: hashed character n-grams and words, counted by scikit-learn."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import regex

from llimba.languages.text import words

TOKEN = regex.compile(r"\w+'?")  # of the package regex: marks belong to words
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
    whole = HashingVectorizer(tokenizer=_tokens, token_pattern=None, n_features=WORD_FEATURES, **common)
    return FeatureUnion([("ngrams", ngrams), ("words", whole)]).transform(texts).tocsr()


def _tokens(text: str) -> list[str]:
    """Words with the apostrophe that ends them; of a script without spaces, as its dictionary has them."""
    return [token for word in words(text) for token in TOKEN.findall(word)]


def with_crops(lines: Iterable[str], seed: int) -> list[str]:
    """Every line, and a few words out of it, so that short texts are known too."""
    chance, found = random.Random(seed), []
    for line in lines:
        parts = words(line)
        size = chance.choice(CROPS)
        start = chance.randrange(max(1, len(parts) - size))
        found += [line, " ".join(parts[start : start + size])]
    return found
