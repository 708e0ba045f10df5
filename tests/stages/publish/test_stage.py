"""The published folder loads, and carries card, curve and scores."""

import shutil
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.files import read_json, write_json, write_jsonl
from llimba.manifest import write_manifest
from llimba.stages.publish.stage import run
from tests import FIXTURES
from tests.fakes import recipe, save_tiny_model
from tests.stages.publish.released import manifests


def inputs(tmp_path: Path) -> dict[str, Path]:
    folders = {}
    for stage, manifest in manifests(recipe(tmp_path)).items():
        folders[stage] = tmp_path / "runs" / stage
        write_manifest(folders[stage], manifest)
    for stage in ("cpt", "sft"):
        write_jsonl(folders[stage] / "metrics.jsonl", ({"tokens": i, "loss": 3.0} for i in range(1, 5)))
    save_tiny_model(folders["cpt"] / "model", seed=1)
    save_tiny_model(folders["sft"] / "model")
    shutil.copyfile(FIXTURES / "scores.json", folders["evaluate"] / "scores.json")
    return folders


def test_folder(tmp_path: Path) -> None:
    facts = run(recipe(tmp_path), inputs(tmp_path), tmp_path / "out")
    assert facts["title"] == "tiny-srd"
    assert facts["energy"]["kwh"] > 0
    model = tmp_path / "out" / "model"
    assert AutoModelForCausalLM.from_pretrained(model).config.vocab_size == 260
    assert not (model / "identifier.safetensors").exists()
    for name in (
        "README.md",
        "language.yaml",
        "loss.png",
        "forgetting.png",
        "scores.json",
        "tokenizer.json",
        "generation_config.json",
    ):
        assert (model / name).exists(), name
        assert (model.with_name("cpt") / name).exists(), name
    assert facts["cpt"] == "cpt"
    assert (model / "README.md").read_text().count("\n# tiny-srd\n") == 1
    assert "research artifact" in (model.with_name("cpt") / "README.md").read_text()


def test_each_folder_has_its_own_weights_linked_and_copies_of_what_people_edit(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    run(recipe(tmp_path), folders, tmp_path / "out")
    for stage, name in (("sft", "model"), ("cpt", "cpt")):
        made, published = folders[stage] / "model", tmp_path / "out" / name
        assert (published / "model.safetensors").samefile(made / "model.safetensors")
        assert not (published / "config.json").samefile(made / "config.json")
        assert (published / "config.json").read_bytes() == (made / "config.json").read_bytes()


def test_a_recipe_without_sft_publishes_its_checkpoint_as_the_model(tmp_path: Path) -> None:
    folders = {stage: folder for stage, folder in inputs(tmp_path).items() if stage not in ("instruct", "sft")}
    facts = run(recipe(tmp_path, sft=None), folders, tmp_path / "out")
    assert facts["cpt"] is None and not (tmp_path / "out" / "cpt").exists()
    assert "research artifact" in (tmp_path / "out" / "model" / "README.md").read_text()


def test_the_identifier_goes_along_where_there_is_one(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    (folders["corpus"] / "identifier.safetensors").write_bytes(b"weights")
    run(recipe(tmp_path), folders, tmp_path / "out")
    assert (tmp_path / "out" / "model" / "identifier.safetensors").read_bytes() == b"weights"


def test_an_adapter_goes_along_and_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    assert run(recipe(tmp_path), folders, tmp_path / "out")["adapter"] is False
    write_json(folders["sft"] / "adapter" / "adapter_config.json", {"r": 8, "base_model_name_or_path": str(tmp_path)})
    (folders["sft"] / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    (folders["sft"] / "adapter" / "README.md").write_text(f"base_model: {tmp_path}")
    assert run(recipe(tmp_path), folders, tmp_path / "out")["adapter"] is True
    adapter = tmp_path / "out" / "adapter"
    config = read_json(adapter / "adapter_config.json")
    assert str(tmp_path) not in (adapter / "README.md").read_text()
    assert config == {"r": 8, "base_model_name_or_path": "../cpt"}
    assert (adapter / "adapter_model.safetensors").read_bytes() == b"weights"
    run(recipe(tmp_path, publish={"cpt_repository": "me/tiny-cpt"}), folders, tmp_path / "out")
    assert read_json(adapter / "adapter_config.json")["base_model_name_or_path"] == "me/tiny-cpt"
    assert "5 documents" in (tmp_path / "out" / "corpus-card.md").read_text()


def test_a_lost_manifest_is_an_error(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    (folders["cpt"] / "manifest.json").unlink()
    with pytest.raises(StageError, match="has lost its manifest"):
        run(recipe(tmp_path), folders, tmp_path / "out")


def test_without_held_out_text_there_is_no_forgetting_to_draw(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    manifest = read_json(folders["sft"] / "manifest.json")
    manifest["facts"]["held_out"] = []
    write_json(folders["sft"] / "manifest.json", manifest)
    assert run(recipe(tmp_path), folders, tmp_path / "out")["forgetting"] is False
    assert not (tmp_path / "out" / "model" / "forgetting.png").exists()
    assert "forgetting.png" not in (tmp_path / "out" / "model" / "README.md").read_text()
