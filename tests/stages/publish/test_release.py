"""Which models a recipe publishes, what they are called, and what each has read: its data sets and its licence."""

from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from llimba.models.base_model import commit_of, declared_bases
from llimba.stages.publish.card import card
from llimba.stages.publish.cpt_card import cpt_card
from llimba.stages.publish.release import releases
from tests.fakes import recipe, recipe_content, save_tiny_model
from tests.reports.scores import SCORES
from tests.stages.publish.released import manifests, released

HUB = {"kind": "hub", "license": "CC-BY-NC-SA-4.0"}


def sources(folder: Path) -> dict[str, Any]:
    """Text of the hub for cpt, conversations of the hub for sft alone."""
    return {
        "corpus": {**HUB, "dataset": "them/corpus", "language": "sc", "license": "CC-BY-SA-4.0"},
        "again": {**HUB, "dataset": "them/corpus", "subset": "b", "language": "sc", "license": "CC-BY-SA-4.0"},
        "talk": {**HUB, "dataset": "them/talk", "yields": "conversations"},
        "scored": recipe_content(folder)["sources"]["scored"],
    }


def counted(loaded: Any) -> Any:
    """Manifests in which each source gave what it holds."""
    made = manifests(loaded)
    of = {"license": "x", "role": "train", "pairs": 0, "words": {}}
    made["corpus"].facts["sources"] = {
        "corpus": {**of, "documents": 4, "conversations": 0},
        "again": {**of, "documents": 1, "conversations": 0},
        "talk": {**of, "documents": 0, "conversations": 9},
    }
    return made


def test_a_checkpoint_has_read_no_conversation(tmp_path: Path) -> None:
    loaded = recipe(tmp_path, sources=sources(tmp_path), publish={"license": "cc-by-nc-sa-4.0"})
    tuned, checkpoint = (released(loaded, system, made=counted(loaded)) for system in ("sft", "cpt"))
    assert (tuned.datasets, checkpoint.datasets) == (["them/corpus", "them/talk"], ["them/corpus"])
    assert ModelCard(card(tuned)).data.datasets == ["them/corpus", "them/talk"]
    assert ModelCard(cpt_card(checkpoint)).data.datasets == ["them/corpus"]
    assert "them/talk" not in cpt_card(checkpoint) and "| talk |" not in cpt_card(checkpoint)
    assert tuned.derived_license.terms.license == "CC-BY-NC-SA-4.0"
    assert checkpoint.derived_license.terms.license == "CC-BY-SA-4.0"
    answered = recipe(
        tmp_path, sources=sources(tmp_path), cpt={"chat": {}, "mixture": {"sc": 0.9, "chat": 0.1}},
        publish={"license": "cc-by-nc-sa-4.0"},
    )  # fmt: skip
    assert "talk" in released(answered, "cpt", made=counted(answered)).trained_on


def test_names(tmp_path: Path) -> None:
    def named(**publish: str) -> list[tuple[str, str | None]]:
        loaded = recipe(tmp_path, publish=publish)
        made = releases(loaded, manifests(loaded), SCORES, dict.fromkeys(loaded.trains, tmp_path))
        return [(one.title, one.repository) for one in made]

    assert named() == [("tiny-srd", None), ("tiny-srd-cpt", None)]
    assert named(title="T") == [("T", None), ("T-cpt", None)]
    assert named(repository="me/a", cpt_repository="me/b") == [("a", "me/a"), ("b", "me/b")]


def test_a_chat_template_decides_how_the_quick_start_asks(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    folder = save_tiny_model(tmp_path / "saved")
    models = {"cpt": tmp_path / "none", "sft": folder}
    tuned, checkpoint = releases(loaded, manifests(loaded), SCORES, models)
    assert tuned.chats and not checkpoint.chats


def test_instruction_tuning_of_somebodys_checkpoint(tmp_path: Path) -> None:
    """Nothing says that this recipe did any pretraining, and the checkpoint's own card is believed about its base."""
    base = save_tiny_model(tmp_path / "base")
    (base / "README.md").write_text("---\nbase_model: first/instruct\nlicense: mit\n---\n# x\n")
    loaded = recipe(tmp_path, cpt=None, sft={"method": "dpo"})
    text = card(released(loaded))
    assert "tests/tiny after preference tuning, by llimba." in text
    assert "1. tests/tiny (a folder; licence mit); by its own card it was made from first/instruct" in text
    assert "2. preference tuning, dpo, 321 conversations" in text
    assert "pretraining" not in text and "Replay" not in text
    data = ModelCard(text).data
    assert data.base_model == "tests/tiny" and data.tags == ["llimba", "srd", "dpo"]


def test_what_a_base_models_folder_says(tmp_path: Path) -> None:
    assert declared_bases(tmp_path) == []
    (tmp_path / "README.md").write_text("---\nbase_model: [a/b, c/d]\n---\n")
    assert declared_bases(tmp_path) == ["a/b", "c/d"]
    (tmp_path / "README.md").write_text("no header\n")
    assert declared_bases(tmp_path) == []
    assert commit_of(tmp_path / "snapshots" / "0123abc") == "0123abc"
    assert commit_of(tmp_path) is None
