"""A model is asked once, whatever it is called; another model, question or wording is asked anew."""

from pathlib import Path
from typing import Any

import pytest

from llimba.files import read_json, write_jsonl
from llimba.recipe.resolved import Resolved
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.scores import SystemScores
from llimba.stages.evaluate import cache
from llimba.stages.evaluate.cache import cached_scores
from llimba.stages.evaluate.measure_model import Asked
from tests.fakes import recipe, write_text

ASKED = Asked({}, {}, [], [], {}, None)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The systems that were really asked; each says its own name."""
    names: list[str] = []

    def measure(_recipe: Any, system: str, _model: Path, _asked: Asked, _tasks: Path, answers: Path) -> SystemScores:
        names.append(system)
        write_jsonl(answers / "it-sc.jsonl", [{"hypothesis": system}])
        return SystemScores(batch_size=Resolved(value=1, reason=system))

    monkeypatch.setattr(cache, "measure_model", measure)
    return names


def folder(place: Path, content: str) -> Path:
    place.mkdir(parents=True)
    (place / "model.safetensors").write_text(content)
    return place


def test_the_same_model_is_asked_once(tmp_path: Path, called: list[str]) -> None:
    write_text(tmp_path)
    loaded, tasks, store = recipe(tmp_path), tmp_path / "tasks", tmp_path / "systems"
    one, same, other = (folder(tmp_path / n, c) for n, c in (("1", "weights"), ("2", "weights"), ("3", "others")))
    a, b = EvaluatedFolder(tmp_path / "a"), EvaluatedFolder(tmp_path / "b")
    first = cached_scores(loaded, "base", one, ASKED, tasks, a, store)
    again = cached_scores(loaded, "model", same, ASKED, tasks, b, store)
    assert first == again == SystemScores(batch_size=Resolved(value=1, reason="base"))
    assert called == ["base"]
    assert b.answers_file("model", "it-sc").read_text() == '{"hypothesis": "base"}\n'
    cached_scores(loaded, "sft", other, ASKED, tasks, b, store)
    assert called == ["base", "sft"]


def test_another_question_or_wording_is_asked_anew(tmp_path: Path, called: list[str]) -> None:
    write_text(tmp_path)
    model, store = folder(tmp_path / "m", "weights"), tmp_path / "systems"
    directions = {"directions": ["it-sc"], "max_new_tokens": 8}
    for number, (evaluate, rows) in enumerate(
        (
            (directions, [{"id": 1}]),
            ({**directions, "max_new_tokens": 9}, [{"id": 1}]),
            ({**directions, "prompt": "completion"}, [{"id": 1}]),
            (directions, [{"id": 2}]),
            ({**directions, "published": ["llimba-3b"]}, [{"id": 2}]),  # a column of others: nothing to ask
        ),
        1,
    ):
        tasks = tmp_path / f"tasks{number}"
        write_jsonl(tasks / "llimba_it_sc.jsonl", rows)
        out = EvaluatedFolder(tmp_path / str(number))
        cached_scores(recipe(tmp_path, evaluate=evaluate), "m", model, ASKED, tasks, out, store)
        assert len(called) == min(number, 4)


def test_what_a_killed_run_left_is_thrown_away(
    tmp_path: Path, called: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path)
    model, store = folder(tmp_path / "m", "weights"), tmp_path / "systems"
    asked = (recipe(tmp_path), "m", model, ASKED, tmp_path / "tasks", EvaluatedFolder(tmp_path / "out"), store)
    whole = cache.measure_model

    def killed(*given: Any) -> Any:
        write_jsonl(given[-1] / "half.jsonl", [{}])
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "measure_model", killed)
    with pytest.raises(KeyboardInterrupt):
        cached_scores(*asked)
    monkeypatch.setattr(cache, "measure_model", whole)
    cached_scores(*asked)
    (place,) = (path for path in store.iterdir() if path.is_dir())
    assert not (place / "hypotheses" / "half.jsonl").exists()
    assert called == ["m"]
    assert read_json(place / "scores.json") == {"batch_size": {"value": 1, "reason": "m"}}
