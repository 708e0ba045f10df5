"""All that a recipe lacks is one list before anything is fetched; stages that will not run are not asked."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from llimba import cli
from llimba.errors import StageError, Unavailable
from llimba.models.hub_access import HubAccess
from llimba.pipeline import requirements, runner
from llimba.recipe.needs import Need, Needs, Space
from tests.fakes import recipe, recipe_content, save_tiny_model, write_text
from tests.loopback_hub import LoopbackHub
from tests.training.test_cost import QWEN_3B

HERE = importlib.util.find_spec("bitsandbytes") is not None


def lacking(loaded: Any, runs: Path, card: str | None = None) -> dict[str, Need]:
    return {need.key: need for need in requirements.missing(loaded, runner.plan(loaded, runs), runs, card)}


@pytest.mark.skipif(HERE, reason="bitsandbytes is installed")
def test_a_run_is_refused_with_everything_that_is_missing_before_its_first_stage(tmp_path: Path, base: Path) -> None:
    write_text(tmp_path)
    content = recipe_content(tmp_path)
    (tmp_path / "it.txt").unlink()
    loaded = recipe(
        tmp_path,
        cpt={**content["cpt"], "optimizer": "paged_adamw_8bit", "attention": "flash_attention_2"},
        evaluate={**content["evaluate"], "facts": str(tmp_path / "facts.jsonl")},
        instruct={**content["instruct"], "translate": {"aligned": {
            "engine": "apertium", "route": ["xx-yy"], "source_language": "it", "prefix": str(tmp_path)}}},
    )  # fmt: skip
    with pytest.raises(StageError) as refused:
        runner.run(loaded, tmp_path / "runs")
    said = str(refused.value)
    assert said.startswith("nothing was started, as this is missing:\n")
    for part in (
        f"\n  - sources.replay.path: {tmp_path / 'it.txt'} does not exist. Fix: put it there",
        "\n  - instruct.translate.aligned: Apertium has no mode 'xx-yy' here",
        "\n  - cpt.optimizer: paged_adamw_8bit needs bitsandbytes, which is not installed. Fix: ",
        f"{sys.executable} -m pip install 'bitsandbytes>=0.45'",
        "\n  - cpt.attention: flash_attention_2 is set but not available on this machine (cpu). Fix: set cpt.attention",
        f"\n  - evaluate.facts: {tmp_path / 'facts.jsonl'} does not exist",
    ):
        assert part in said
    assert not (tmp_path / "runs").exists()
    planned = CliRunner().invoke(cli.app, ["plan", str(loaded.path), "--runs", str(tmp_path / "runs")]).stdout
    assert "a run will be refused without it:\n  - sources.replay.path" in planned


def test_only_what_will_run_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path)
    content = recipe_content(tmp_path)
    broken = {**content["cpt"], "attention": "varlen"}
    loaded = recipe(tmp_path, cpt=broken, evaluate={**content["evaluate"], "facts": str(tmp_path / "facts.jsonl")})
    runner.run(loaded, tmp_path / "runs", until="instruct")  # neither model, nor attention, nor facts
    assert set(lacking(loaded, tmp_path / "runs")) >= {"base_model.folder", "cpt.attention", "evaluate.facts"}
    with pytest.raises(StageError) as refused:
        runner.run(loaded, tmp_path / "runs", until="cpt")
    assert "cpt.attention" in str(refused.value) and "facts" not in str(refused.value)
    shutil.rmtree(tmp_path / "runs")
    save_tiny_model(tmp_path / "base")
    runner.run(recipe(tmp_path), tmp_path / "runs", until="cpt")

    def never(*_: object) -> None:
        raise AssertionError("cpt is done: nobody needs to know")

    monkeypatch.setattr(HubAccess, "model", never)
    runner.run(recipe(tmp_path), tmp_path / "runs", until="cpt")


def test_another_recipe_runs_where_this_kind_of_machine_lacks_a_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path)
    strings = {"kind": "package", "client": "npm", "packages": ["llimba-no-such@1"], "paths": {"sc": "*.xpi"},
               "format": "mozilla", "documents": ["sc"], "license": "MPL-2.0"}  # fmt: skip
    loaded = recipe(tmp_path, sources={**recipe_content(tmp_path)["sources"], "strings": strings})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"sources\.strings\.packages: .*needs npm.*install Node\.js"):
        runner.run(loaded, tmp_path / "runs", until="corpus")


def test_memory_of_a_card_is_certain_only_where_it_is_far_too_small(tmp_path: Path) -> None:
    content = recipe_content(tmp_path)
    content["base_model"]["config"] = QWEN_3B
    content["sft"] = {"method": "lora", "gradient_checkpointing": True, "precision": "bf16"}
    settings = {"optimizer": "adamw", "gradient_checkpointing": True}
    found = lacking(recipe(tmp_path, **content | {"cpt": {"precision": "mixed", **settings}}), tmp_path, "rtx3090")
    assert found["cpt"].certain and "RTX 3090 has 23.5" in found["cpt"].lacks
    assert "precision: bf16, optimizer: adamw_8bit" in found["cpt"].fix
    assert "sft" not in found
    near = {"precision": "bf16", **settings, "optimizer": "adamw_8bit", "sequence_length": 8192}
    found = lacking(recipe(tmp_path, **content | {"cpt": near}), tmp_path, "l4")
    assert not found["cpt"].certain, "1.06 times of what there is: the estimate may be wrong"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_too_small_is_refused_before_the_first_stage(
    tmp_path: Path, base: Path, small_disk: Path
) -> None:
    write_text(tmp_path)
    with pytest.raises(
        StageError, match=rf"disk: {small_disk} has 1\.0 MB free, and .* \(model of cpt 0\.1 MB, .*checkpoints.*--runs"
    ):
        runner.run(recipe(tmp_path), small_disk / "runs")
    assert not (small_disk / "runs").exists()
    assert "disk" not in lacking(recipe(tmp_path), tmp_path / "runs")


def test_what_stays_adds_up_and_what_goes_counts_until_its_stage_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces = [
        Space("model of cpt", 10), Space("checkpoints of cpt", 60, until="cpt"),
        Space("model of sft", 10), Space("checkpoints of sft", 20, until="sft"), Space("guess", 5, sure=False),
    ]  # fmt: skip

    def found(free: int, partials: dict[str, Path] | None = None) -> list[Need]:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        needs = Needs(spaces=list(spaces))
        requirements._disks(needs, tmp_path, partials or {})
        return needs.found

    assert found(70) == []
    assert [need.certain for need in found(69)] == [True]
    (tmp_path / "cpt").mkdir()
    (tmp_path / "cpt" / "weights").write_bytes(b"x" * 30)
    assert found(40, {"cpt": tmp_path / "cpt"}) == [], "a stopped run's own checkpoints are there already"
    spaces[4] = Space("guess", 80, sure=False)
    (need,) = found(70)
    assert not need.certain and "guess" in need.lacks


def test_the_tokenizer_alone_is_fetched_where_there_is_text_and_what_is_here_does_offline(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path / "model")
    write_text(tmp_path)
    base = {"name": "org/model", "license": "mit", "hub": "org/model"}
    loaded = recipe(tmp_path, base_model=base)
    runner.run(loaded, tmp_path / "runs", until="instruct")
    command = [sys.executable, "-m", "llimba", "plan", str(loaded.path), "--runs", str(tmp_path / "runs"), "--json"]
    command += ["--card", "rtx4090"]

    def plan(env: dict[str, str]) -> tuple[dict[str, Any], str]:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    home = tmp_path / "home"
    with LoopbackHub() as hub:
        hub.add_folder("models/org/model", model)
        early, _ = plan(hub.environment(home, offline=True))
        assert "org/model cannot be fetched" in early["tokenizer"]
        assert all(stage["estimate"] is None for stage in early["stages"])
        said, log = plan(hub.environment(home))
        assert "fetching the tokenizer and config of org/model, no weights" in log
        estimates = {stage["stage"]: stage["estimate"] for stage in said["stages"] if stage["estimate"]}
        assert [estimates[name]["certainty"] for name in ("cpt", "sft")] == ["counted", "counted"]
        assert hub.sent("safetensors|lfs") == 0
        assert not list(home.rglob("*.safetensors"))
        again, log = plan(hub.environment(home, offline=True))
        assert "fetching" not in log
    assert {s["stage"]: s["estimate"] for s in again["stages"] if s["estimate"]} == estimates
    (need,) = (need for need in again["missing"] if need["key"] == "base_model.hub")
    assert "is not on this disk, and HF_HUB_OFFLINE forbids" in need["lacks"], "a tokenizer is no model"
