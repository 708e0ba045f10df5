"""Scores survive their file; a file of another version is named."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.files import read_json, write_json
from llimba.reports.evaluated import EvaluatedFolder, SavedAnswer, read_answers, write_answers
from llimba.reports.scores import Decoding, LanguageShares
from tests.fakes import pair
from tests.reports.scores import SCORES, changed, share


def test_what_is_written_is_read(tmp_path: Path) -> None:
    switched = LanguageShares(target=share(), neighbours={"it": share()}, mixed=share(), unknown=share())
    scores = changed(SCORES, "sft", mode_switch={0.0: switched, 0.9: switched}, decoding=Decoding(num_beams=4))
    EvaluatedFolder(tmp_path).write(scores)
    assert EvaluatedFolder(tmp_path).scores() == scores
    assert "facts" not in read_json(tmp_path / "scores.json")["systems"]["sft"], "what was not measured is not written"


def test_another_versions_scores_are_named(tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", {"systems": ["copy", "base"], "bits_per_byte": {}})
    with pytest.raises(StageError, match=r"scores\.json was written by another version of llimba \(systems: "):
        EvaluatedFolder(tmp_path).scores()


def test_answers_know_their_sentence_and_lack_what_does_not_apply(tmp_path: Path) -> None:
    answers = [SavedAnswer.of(pair(1, it="sole", sc="sole meu"), "it-sc", "su sole", stopped=False)]
    write_answers(tmp_path / "a.jsonl", answers)
    assert read_answers(tmp_path / "a.jsonl") == answers
    assert (tmp_path / "a.jsonl").read_text() == (
        '{"id": "1", "source": "sole", "reference": "sole meu", "hypothesis": "su sole", "stopped": false}\n'
    )
    (tmp_path / "b.jsonl").write_text('{"id": "1"}\n')
    with pytest.raises(StageError, match=r"b\.jsonl holds no saved answers \(source: "):
        read_answers(tmp_path / "b.jsonl")


def test_the_fewest_sentences_are_those_of_our_own_systems() -> None:
    one = SCORES.systems["sft"].translation["it-sc"].model_copy(update={"sentences": 3})
    assert SCORES.fewest_sentences == 12
    assert changed(SCORES, "theirs", translation={"it-sc": one}, published=True).fewest_sentences == 12
    assert changed(SCORES, "sft", translation={"sc-it": one}).fewest_sentences == 3
