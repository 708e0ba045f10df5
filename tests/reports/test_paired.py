"""The paired bootstrap is sacrebleu's own over the saved files; other sentences cannot be paired."""

from pathlib import Path

import pytest
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from llimba.errors import StageError
from llimba.files import write_jsonl
from llimba.reports.paired import paired
from tests.fakes import SENTENCES


def saved(path: Path, hypotheses: list[str], references: list[str]) -> Path:
    write_jsonl(
        path,
        [
            {"id": str(n), "source": "", "reference": r, "hypothesis": h}
            for n, (h, r) in enumerate(zip(hypotheses, references, strict=True))
        ],
    )
    return path


def test_it_agrees_with_sacrebleu(tmp_path: Path) -> None:
    references = SENTENCES["sc"]
    worse, better = SENTENCES["it"], [*references[:6], *SENTENCES["it"][6:]]
    found = paired(saved(tmp_path / "a", worse, references), saved(tmp_path / "b", better, references))
    metrics = {"BLEU": BLEU(references=[references]), "chrF": CHRF(references=[references])}
    _, table = PairedTest([("a", worse), ("b", better)], metrics, None, test_type="bs", n_samples=1000)()
    for mine, name in ((found.bleu, "BLEU"), (found.chrf, "chrF2")):
        first, second = table[name]
        assert mine.difference == round(second.score - first.score, 2) > 0
        assert mine.p == round(second.p_value, 4)
    assert found.chrf.p < 0.05
    assert found.sentences == 10
    same = paired(tmp_path / "a", tmp_path / "a")
    assert (same.chrf.difference, same.chrf.p) == (0, 1)


def test_other_sentences_cannot_be_paired(tmp_path: Path) -> None:
    one = saved(tmp_path / "a", ["x"], ["y"])
    with pytest.raises(StageError, match="do not answer the same sentences"):
        paired(one, saved(tmp_path / "b", ["x"], ["z"]))
