"""What a plan counts before anything trains is what the run then reads: tokens, steps and shares, kind by kind."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llimba import cli
from llimba.manifest import read_manifest
from llimba.pipeline import budget, runner
from tests.fakes import SENTENCES, recipe, recipe_content, tiny_model, write_text
from tests.tokenizer_kinds import KINDS, kind_tokenizer

CPT: dict[str, dict[str, Any]] = {
    "all text": {"mixture": {}},
    "mixture": {},
    "max_tokens": {"max_tokens": 300},
    "begins again": {"max_tokens": 2000, "repeat": True, "num_train_epochs": 1.5},
    "steps of tokens": {"tokens_per_step": 200, "num_train_epochs": 2},
    "max_steps": {"max_steps": 5, "sequence_length": 32},
    "phases": {
        "mixture": {}, "max_tokens": 500,
        "phases": [{"share": 0.5, "mixture": {"sc": 0.6, "it": 0.4}},
                   {"share": 0.5, "mixture": {"sc": 0.9, "it": 0.1}}],
    },
    "pairs": {"pairs": {"directions": ["it-sc", "sc-it"]}, "mixture": {"sc": 0.5, "it": 0.2, "pairs": 0.3}},
}  # fmt: skip
SFT: dict[str, dict[str, Any]] = {
    "supervised": {},
    "some set aside": {"held_out_share": 0.4, "num_train_epochs": 2},
    "adapter": {"method": "rslora", "lora_r": 4, "tokens_per_step": 300},
    "preferences": {"method": "dpo", "policy": "full"},
}


def planned_and_run(loaded: Any, runs: Path, stage: str) -> tuple[Any, dict[str, Any]]:
    """The stage's estimate before it has run, and its facts after."""
    runner.run(loaded, runs, until="corpus" if stage == "cpt" else "instruct")
    found = budget.estimates(loaded, runs, None)[stage]
    manifest = read_manifest(runner.run_stage(loaded, runs, stage).folder)
    assert manifest is not None
    return found, manifest.facts


@pytest.mark.parametrize("kind", CPT)
def test_cpt(tmp_path: Path, base: Path, kind: str) -> None:
    write_text(tmp_path)
    loaded = recipe(tmp_path, cpt={**recipe_content(tmp_path)["cpt"], **CPT[kind]})
    found, facts = planned_and_run(loaded, tmp_path / "runs", "cpt")
    assert found.certainty == "counted"
    assert found.steps == facts["steps"]
    assert {key: part.tokens for key, part in found.epoch.items()} == facts["tokens_per_epoch"]
    if CPT[kind].get("num_train_epochs", 1) == 1 and "max_steps" not in CPT[kind]:
        assert found.tokens == facts["loss_tokens"] == sum(part.tokens for part in found.epoch.values())
    if kind == "phases":
        assert {key: part.asked for key, part in found.epoch.items()} == pytest.approx({"sc": 0.75, "it": 0.25})


@pytest.mark.parametrize("kind", SFT)
def test_sft_from_a_checkpoint_without_cpt_and_documents(tmp_path: Path, base: Path, kind: str) -> None:
    content = recipe_content(tmp_path)
    write_text(tmp_path)
    rows = [
        {"prompt": SENTENCES["it"][i], "chosen": SENTENCES["sc"][i], "rejected": SENTENCES["es"][i]}
        if kind == "preferences"
        else {"messages": [{"role": "user", "content": SENTENCES["it"][i]},
                           {"role": "assistant", "content": SENTENCES["sc"][i]}]}
        for i in range(7)
    ]  # fmt: skip
    (tmp_path / "talk.jsonl").write_text("\n".join(map(json.dumps, rows)))
    talk = {"kind": "local", "license": "CC0-1.0", "yields": "conversations", "path": str(tmp_path / "talk.jsonl")}
    sources = {"talk": talk, "scored": content["sources"]["scored"]}
    loaded = recipe(tmp_path, sources=sources, instruct={}, cpt=None, sft={**content["sft"], **SFT[kind]})
    found, facts = planned_and_run(loaded, tmp_path / "runs", "sft")
    assert found.certainty == "counted"
    assert found.steps == facts["steps"]
    assert sum(part.documents for part in found.epoch.values()) == facts["conversations"]
    assert found.needed_gib > 0 and found.checkpoint_disk_gib >= 0 and found.hours is not None


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokenizer(tmp_path: Path, kind: str) -> None:
    tokenizer = kind_tokenizer(kind)
    tiny_model(vocab_size=len(tokenizer)).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    write_text(tmp_path)
    loaded = recipe(tmp_path)
    found, facts = planned_and_run(loaded, tmp_path / "runs", "cpt")
    assert (found.steps, found.tokens) == (facts["steps"], sum(facts["tokens_per_epoch"].values()))
    found, facts = planned_and_run(loaded, tmp_path / "runs", "sft")
    assert found.steps == facts["steps"]


def test_the_plan_for_people_and_programs_says_the_budget(tmp_path: Path, base: Path) -> None:
    write_text(tmp_path)
    path, runs = str(recipe(tmp_path).path), str(tmp_path / "runs")
    asked = ["plan", path, "--runs", runs, "--card", "rtx4090"]
    early = CliRunner().invoke(cli.app, asked).stdout
    assert f"tokens of cpt: known once the text is there: llimba run {path} --until corpus" in early
    runner.run(recipe(tmp_path), Path(runs), until="corpus")
    said = CliRunner().invoke(cli.app, asked).stdout
    assert "One epoch of cpt" in said
    assert "60.0%" in said and "40.0%" in said
    assert "time over all stages:" in said
    assert "not in it: sft (not known yet), instruct, evaluate, publish" in said
    programs = json.loads(CliRunner().invoke(cli.app, [*asked, "--json"]).stdout)
    cpt = next(stage["estimate"] for stage in programs["stages"] if stage["stage"] == "cpt")
    assert cpt["steps"] > 0 and set(cpt["epoch"]) == {"sc", "it"}
    assert programs["hours"]["to_train"]["cpt"] == cpt["hours"]
    assert set(programs["hours"]["measured"]) == {"sources", "corpus"}


def test_what_bounds_the_text_is_said_before_it_is_there(tmp_path: Path) -> None:
    from tests.training.test_cost import QWEN_3B

    content = recipe_content(tmp_path)
    content["base_model"]["config"] = QWEN_3B
    for source in content["sources"].values():
        source["max_documents"] = 50
    write_text(tmp_path)
    loaded = recipe(tmp_path, **content)
    found = budget.estimates(loaded, tmp_path / "runs", "rtx4090")["cpt"]
    assert (found.certainty, found.steps) == ("unknown", None)
    assert found.why.endswith("--until corpus (at most 150 records by the sources' max_documents)")
    bounded = recipe(tmp_path, **content | {"cpt": {**content["cpt"], "max_tokens": 1000}})
    found = budget.estimates(bounded, tmp_path / "runs", "rtx4090")["cpt"]
    assert (found.certainty, found.tokens) == ("at most", 1000)
    assert found.why.endswith("at most 1,000 tokens by max_tokens x num_train_epochs")
    runner.run(loaded, tmp_path / "runs", until="sources")
    assert "(the sources hold 55 words of sc, " in budget.estimates(loaded, tmp_path / "runs", None)["cpt"].why
