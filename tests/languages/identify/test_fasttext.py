"""A fastText model answers the same questions; its labels become our codes."""

import pickle  # to see that no model travels between processes
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.languages.identify.fasttext import FastText, _code

pytest.importorskip("fasttext")


class Fake:
    """Says Italian of what has "il" in it, else Sardinian, unsure of short texts."""

    f: Any

    def __init__(self) -> None:
        self.f = self

    def predict(self, text: str, k: int, threshold: float, errors: str) -> list[tuple[float, str]]:
        assert text.endswith("\n")
        assert "\n" not in text[:-1]
        return [(0.9 if len(text) > 12 else 0.2, f"__label__{'ita' if ' il ' in f' {text} ' else 'srd'}_Latn")]


def test_labels_become_our_codes() -> None:
    assert [_code(f"__label__{name}") for name in ("srd_Latn", "sc", "ita_Latn", "fur_Latn", "it")] == [
        "sc", "sc", "it", "fur", "it"
    ]  # fmt: skip


def test_lines_and_thresholds() -> None:
    identifier = FastText(Path("absent.bin"))
    identifier.__dict__["_model"] = Fake()
    (labelled,) = identifier.paragraphs(["su sole essit dae su mare\nora il sole sorge dal mare\nabc"])
    assert [(line[:3], label.language) for line, label in labelled] == [("su ", "sc"), ("ora", "it"), ("abc", "it")]
    assert b"Fake" not in pickle.dumps(identifier)


def test_what_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"no model")
    with pytest.raises(StageError, match=r"corpus\.identifier: .*x\.bin is no fastText model"):
        FastText(tmp_path / "x.bin").label_many(["a"])
    with pytest.raises(StageError, match="is no fastText model"):
        FastText(tmp_path / "absent.bin").label_many(["a"])
