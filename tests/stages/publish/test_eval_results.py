"""The hub's own result files: its library reads them back, and only one data set's sentences are written."""

from pathlib import Path

import yaml
from huggingface_hub import parse_eval_result_entries

from llimba.stages.publish.eval_results import write_eval_results
from tests.fakes import recipe
from tests.stages.publish.released import released
from tests.stages.publish.test_header import COMMIT, FLORES, scored

NAME = ".eval_results/lballore__llimba-flores-srd-eval.yaml"


def test_a_value_a_direction_and_metric(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, publish={"repository": "me/tiny", "cpt_repository": "me/tiny-cpt"})
    pinned = FLORES.model_copy(update={"revision": COMMIT})
    assert write_eval_results(released(loaded, "cpt", scored(flores=pinned)), tmp_path) == [NAME]
    found = parse_eval_result_entries(yaml.safe_load((tmp_path / NAME).read_text()))
    assert [(one.task_id, one.value) for one in found] == [("it-sc_bleu", 2.65), ("it-sc_chrf", 25.66)]
    first = found[0]
    assert (first.dataset_id, first.dataset_revision) == (FLORES.dataset, COMMIT)
    assert (first.date, first.source_url) == ("2026-11-24", "https://huggingface.co/me/tiny-cpt")
    assert first.notes and first.notes.startswith("12 sentences, chat prompt, 0 examples, answer: the first line")


def test_a_part_of_a_set_is_called_so(tmp_path: Path) -> None:
    part = FLORES.model_copy(update={"partly": True})
    write_eval_results(released(recipe(tmp_path), scores=scored(flores=part)), tmp_path)
    assert "12 sentences, a part of the set, " in (tmp_path / NAME).read_text().replace("\n    ", " ")
    assert "source" not in yaml.safe_load((tmp_path / NAME).read_text())[0]


def test_nothing_without_a_data_set_or_of_two(tmp_path: Path) -> None:
    other = FLORES.model_copy(update={"dataset": "them/eval"})
    trained = FLORES.model_copy(update={"held_out": True})
    for sets in ({}, {"a": FLORES, "b": other}, {"a": trained}, {"a": FLORES.model_copy(update={"dataset": ""})}):
        assert write_eval_results(released(recipe(tmp_path), scores=scored(**sets)), tmp_path) == []
    assert not (tmp_path / ".eval_results").exists()
