"""Somebody's own instruction tuning on a CPT checkpoint: conversations and sentences to score on, not one document."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from llimba import cli
from llimba.errors import LlimbaError, RecipeError
from llimba.pipeline import runner
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe
from tests import ROOT
from tests.fakes import recipe_content, save_tiny_model, write_text

METHODS = ("full", "lora", "rslora", "dora", "dpo", "orpo")
TALK = [
    ("Cale est sa capitale de sa Sardigna?", "Casteddu est sa capitale de sa Sardigna.", "No ddu isco."),
    ("Comente istas?", "Deo isto bene, gràtzias.", "Male."),
    ("Iscrie unu nùmeru.", "Sete.", "Unu, duos, tres."),
    ("Ite est su mare?", "Su mare est abba meda.", "Est unu monte."),
]


def own(folder: Path, method: str) -> Recipe:
    """A recipe of that kind, over a checkpoint, the model that it was made from, and a file of conversations."""
    content, adapter = recipe_content(folder), {"lora_r": 4, "lora_alpha": 8}
    talk = {"kind": "local", "yields": "conversations", "license": "CC0-1.0"}
    own: dict[str, Any] = {
        "language": "srd",
        "base_model": {
            **content["base_model"], "name": "tests/checkpoint",
            "checkpoint_of": {"name": "tests/first", "license": "mit", "folder": str(folder / "first")},
        },
        "sources": {
            "talk": {**talk, "path": str(folder / "talk.jsonl")},
            "scored": content["sources"]["scored"],
        },
        "sft": {**content["sft"], **adapter, "method": method, "max_steps": 2},
        "evaluate": {"directions": ["it-sc"], "max_sentences": 2, "max_new_tokens": 4, "precision": "fp32"},
    }  # fmt: skip
    path = folder / f"{method}.yaml"
    path.write_text(yaml.safe_dump(own, sort_keys=False))
    return load_recipe(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_text(folder)
    save_tiny_model(folder / "base")
    save_tiny_model(folder / "first", seed=1)
    rows = ({"prompt": asked, "chosen": better, "rejected": worse} for asked, better, worse in TALK)
    (folder / "talk.jsonl").write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_conversations_alone_are_enough(place: Path, method: str) -> None:
    steps = {step.stage.name: step for step in runner.run(own(place, method), place / "runs")}
    assert list(steps) == ["sources", "corpus", "instruct", "sft", "evaluate", "publish"]
    assert all(step.state == "done" for step in steps.values())
    card = (steps["publish"].folder / "model" / "README.md").read_text()
    assert card.index("tests/first") < card.index("tests/checkpoint (")


def test_the_six_beside_the_checkpoint_and_the_model_before_it(place: Path) -> None:
    paths = [str(own(place, method).path) for method in METHODS]
    for path in paths:
        runner.run(load_recipe(Path(path)), place / "runs", "evaluate")
    shown = CliRunner().invoke(cli.app, ["compare", *paths, "--runs", str(place / "runs")])
    assert shown.exit_code == 0, shown.exception
    heading = next(line for line in shown.stdout.splitlines() if "copy" in line)
    assert heading.index("base") < heading.index("after CPT") < heading.index("after SFT")
    assert heading.count("after CPT") == 1


def test_a_run_made_with_set_is_found_by_the_same_set_and_by_its_folder(place: Path) -> None:
    path, runs = str(own(place, "full").path), str(place / "runs")

    def llimba(*arguments: str) -> str:
        return CliRunner().invoke(cli.app, [*arguments], catch_exceptions=False).stdout

    steps = runner.run(load_recipe(Path(path), ["sft.max_steps=1"]), Path(runs))
    evaluate, publish = (str(step.folder) for step in steps[-2:])
    listed = llimba("push", path, "a/b", "--runs", runs, "--set", "sft.max_steps=1")
    assert f"from {publish}/model" in listed
    assert listed == llimba("push", publish, "a/b")
    llimba("compare", path, "--runs", runs, "--set", "sft.max_steps=1")
    runner.run(load_recipe(Path(path)), Path(runs), "evaluate")
    both = llimba("compare", path, evaluate, "--runs", runs)
    assert "not matched: the steps of full-" in both
    with pytest.raises(LlimbaError, match="has no finished model yet .* give the same --set here"):
        llimba("push", path, "a/b", "--runs", runs, "--set", "sft.max_steps=7")
    with pytest.raises(LlimbaError, match="is not the folder of a finished stage"):
        llimba("compare", str(place))
    with pytest.raises(LlimbaError, match="has no scores: name the folder of an evaluate stage"):
        llimba("compare", str(steps[0].folder))


def test_a_recipe_with_a_cpt_has_no_checkpoint_of_another(place: Path) -> None:
    own(place, "full")
    with pytest.raises(RecipeError, match="base_model.checkpoint_of: the recipe has a cpt of its own"):
        load_recipe(place / "full.yaml", ["cpt={}"])


def test_the_shipped_recipe_is_twenty_lines_over_the_published_checkpoint() -> None:
    path = ROOT / "recipes" / "own-sft.yaml"
    loaded = load_recipe(path)
    stated = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert len(stated) <= 20
    assert loaded.trains == ["sft"]
    assert [model.name for model in loaded.base_models] == [
        "lballore/llimba-3b-instruct-cpt",
        "Qwen/Qwen2.5-3B-Instruct",
    ]
    assert loaded.derived_license.terms.license == "qwen-research"
