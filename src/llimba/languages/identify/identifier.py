"""A close-language identifier, trained in a minute or two on a recipe's own seed texts and their neighbours.

One logistic regression per language over hashed character n-grams and words (scikit-learn does the maths), so that a
text may belong to none: below a threshold, which depends on the text's length, the answer is `other`. Thresholds are
calibrated on languages that the classifier was not shown. Why not a packaged identifier: lid.176 recognises about 1 %
of Sardinian sentences, and those that know the language (GlotLID) are not in any package registry.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llimba.errors import StageError
from llimba.files import disk_errors, into_place
from llimba.languages.identify.features import features, with_crops

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    Floats: TypeAlias = npt.NDArray[np.floating]

OTHER = "other"
MAX_LINES = 6000  # of each language; more does not help
MIN_LINES = 50
LENGTHS = (20, 40, 60, 80, 120)  # characters: bounds of the bins that have a threshold each
# of the relatives' texts this share may pass while their language is left out; of strangers a fifth of that does
FALSE_SHARE = 0.04
LOWEST, HIGHEST = 0.3, 0.95  # of a threshold


class Label(NamedTuple):
    """A language code, or `other`, and how sure the best candidate was (0 to 1)."""

    language: str
    score: float


class Identifier:
    """Weights [languages, features], biases and thresholds by length; knows nothing of any language beforehand."""

    def __init__(
        self, languages: Sequence[str], weights: "Floats", biases: "Floats", thresholds: Sequence[float]
    ) -> None:
        self.languages, self._weights, self._biases = tuple(languages), weights, biases
        self.thresholds = tuple(thresholds)

    @classmethod
    def train(cls, texts: Mapping[str, Sequence[str]], target: str, seed: int) -> "Identifier":
        """Learn from lines by language; `target` is the one that nothing else may pass for.

        Raises `StageError` where a language has too few lines, or there is nothing to tell the target from.
        """
        if target not in texts or len(texts) < 3:
            raise StageError(
                f"the identifier needs text in '{target}' and in at least two other languages (now: "
                f"{', '.join(texts) or 'none'})."
            )
        if few := [language for language, lines in texts.items() if len(lines) < MIN_LINES]:
            count = len(texts[few[0]])
            raise StageError(f"the identifier needs {MIN_LINES} lines of '{few[0]}', and there are {count}.")
        lines, labels = [], []
        for language, all_lines in texts.items():
            cropped = with_crops(_spread(all_lines, MAX_LINES), seed)
            lines += cropped
            labels += [language] * len(cropped)
        matrix = features(lines)
        unseen = _unseen_scores(matrix, labels, target, seed)
        lengths = [len(line) for line, label in zip(lines, labels, strict=True) if label != target]
        return cls(*_fit(matrix, labels, seed), _thresholds(unseen, lengths))

    def scores(self, texts: Sequence[str]) -> "Floats":
        """How much each text looks like each language: [len(texts), languages], 0 to 1, not summing to 1."""
        return _sigmoid(features(texts) @ self._weights.T + self._biases)

    def label_many(self, texts: Sequence[str]) -> list[Label]:
        """The language of each text, or `other`."""
        if not texts:
            return []
        found = []
        for text, row in zip(texts, self.scores(texts), strict=True):
            best = int(row.argmax())
            sure = row[best] >= self.thresholds[_bin(len(text))]
            found.append(Label(self.languages[best] if sure else OTHER, float(row[best])))
        return found

    def label(self, text: str) -> Label:
        """The language of one text, or `other`."""
        return self.label_many([text])[0]

    def paragraphs(self, texts: Sequence[str]) -> list[list[tuple[str, Label]]]:
        """Of each text every line with its language."""
        return by_paragraph(self.label_many, texts)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file

        about = {"languages": list(self.languages), "thresholds": list(self.thresholds)}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with disk_errors():
            save_file({"weights": self._weights, "biases": self._biases}, partial, {"identifier": json.dumps(about)})
        into_place(partial, path)

    @classmethod
    def load(cls, path: Path) -> "Identifier":
        """Read what `save` wrote."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                about = json.loads(file.metadata()["identifier"])
                tensors = {name: file.get_tensor(name) for name in ("weights", "biases")}
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise StageError(f"{path} is no identifier ({error}). Delete it to have it trained again.") from error
        return cls(about["languages"], tensors["weights"], tensors["biases"], about["thresholds"])


def by_paragraph(
    label_many: Callable[[Sequence[str]], list[Label]], texts: Sequence[str]
) -> list[list[tuple[str, Label]]]:
    """Of each text every line with its language. A line too short or odd to tell has that of its whole text."""
    split = [[line for line in text.split("\n") if line.strip()] for text in texts]
    labels = iter(label_many([part for text, lines in zip(texts, split, strict=True) for part in (text, *lines)]))
    found = []
    for lines in split:
        whole, each = next(labels), [next(labels) for _ in lines]
        found.append([(x, whole if y.language == OTHER else y) for x, y in zip(lines, each, strict=True)])
    return found


def _fit(matrix: "csr_matrix", labels: Sequence[str], seed: int) -> "tuple[list[str], Floats, Floats]":
    """One logistic regression per language: its codes, weights and biases."""
    import numpy as np
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=5, tol=None, random_state=seed).fit(matrix, labels)
    weights, biases = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn keeps one row then, that of the second
        weights, biases = np.vstack([-weights, weights]), np.concatenate([-biases, biases])
    return [str(code) for code in model.classes_], weights.astype(np.float32), biases.astype(np.float32)


def _unseen_scores(matrix: "csr_matrix", labels: Sequence[str], target: str, seed: int) -> "Floats":
    """What the texts that are not in the target language score for it, from a regression not shown their language.

    Each other language is left out once; in the order of the texts.
    """
    import numpy as np

    marks = np.array(labels)
    score: Floats = np.zeros(len(marks))
    for language in dict.fromkeys(labels):
        if language != target:
            unseen = marks == language
            seen = np.where(marks[~unseen] == target, "1 target", "0 rest")
            _, weights, biases = _fit(matrix[~unseen], seen.tolist(), seed)
            score[unseen] = _sigmoid(matrix[unseen] @ weights[1] + biases[1])
    found: Floats = score[marks != target]
    return found


def _thresholds(unseen: "Floats", lengths: Sequence[int]) -> list[float]:
    """Per length bin the score that all but `FALSE_SHARE` of the texts in unseen languages stay below."""
    import numpy as np

    bins = np.array([_bin(length) for length in lengths])
    found = []
    for number in range(len(LENGTHS) + 1):
        here = unseen[bins == number]
        value = float(np.quantile(here, 1 - FALSE_SHARE)) if len(here) else HIGHEST
        found.append(round(min(max(value, LOWEST), HIGHEST), 3))
    return [max(found[number:]) for number in range(len(found))]  # a shorter text never needs less


def _bin(length: int) -> int:
    return sum(length >= bound for bound in LENGTHS)


def _spread(lines: Sequence[str], count: int) -> list[str]:
    """At most `count` lines from all over the text."""
    stride = max(1, -(-len(lines) // count))
    return [line for line in lines[::stride] if line.strip()]


def _sigmoid(values: "Floats") -> "Floats":
    import numpy as np

    return 1 / (1 + np.exp(-values))
