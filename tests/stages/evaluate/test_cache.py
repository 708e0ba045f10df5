"""A model is asked once, whatever it is called; another model, question or wording is asked anew."""

from pathlib import Path
from typing import Any

import pytest

from llimba.files import read_json, write_jsonl
from llimba.stages.evaluate import cache
from llimba.stages.evaluate.cache import scored_once
from llimba.stages.evaluate.measure_model import Asked
from tests.fakes import recipe, write_text

ASKED = Asked({}, {}, [], [], {}, None)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The systems that were really asked; each says its own name."""
    names: list[str] = []

    def score(_recipe: Any, system: str, _folder: Path, _asked: Asked, _tasks: Path, out: Path) -> dict[str, Any]:
        names.append(system)
        write_jsonl(out / "hypotheses" / "it-sc.jsonl", [{"hypothesis": system}])
        return {"translation": system}

    monkeypatch.setattr(cache, "score", score)
    return names


def folder(place: Path, content: str) -> Path:
    place.mkdir(parents=True)
    (place / "model.safetensors").write_text(content)
    return place


def test_the_same_model_is_asked_once(tmp_path: Path, called: list[str]) -> None:
    write_text(tmp_path)
    loaded, tasks, store = recipe(tmp_path), tmp_path / "tasks", tmp_path / "systems"
    one, same, other = (folder(tmp_path / n, c) for n, c in (("1", "weights"), ("2", "weights"), ("3", "others")))
    first = scored_once(loaded, "base", one, ASKED, tasks, tmp_path / "a", store)
    again = scored_once(loaded, "model", same, ASKED, tasks, tmp_path / "b", store)
    assert first == again and first["translation"] == "base" and "seconds" in first
    assert called == ["base"]
    assert (tmp_path / "b" / "hypotheses" / "model.it-sc.jsonl").read_text() == '{"hypothesis": "base"}\n'
    scored_once(loaded, "sft", other, ASKED, tasks, tmp_path / "b", store)
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
        scored_once(recipe(tmp_path, evaluate=evaluate), "m", model, ASKED, tasks, tmp_path / str(number), store)
        assert len(called) == min(number, 4)


def test_what_a_killed_run_left_is_thrown_away(
    tmp_path: Path, called: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path)
    model, store = folder(tmp_path / "m", "weights"), tmp_path / "systems"
    asked = (recipe(tmp_path), "m", model, ASKED, tmp_path / "tasks", tmp_path / "out", store)
    whole = cache.score

    def killed(*given: Any) -> Any:
        write_jsonl(given[-1] / "hypotheses" / "half.jsonl", [{}])
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "score", killed)
    with pytest.raises(KeyboardInterrupt):
        scored_once(*asked)
    monkeypatch.setattr(cache, "score", whole)
    scored_once(*asked)
    (place,) = (path for path in store.iterdir() if path.is_dir())
    assert not (place / "hypotheses" / "half.jsonl").exists()
    assert read_json(place / "scores.json")["translation"] == "m"
