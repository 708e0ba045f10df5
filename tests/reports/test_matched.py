"""Recipes side by side are matched where their manifests say so, and not where one thing differs."""

import copy
from pathlib import Path
from typing import Any

from llimba.manifest import write_manifest
from llimba.reports.matched import proof, training
from tests.fakes import manifest, training_facts

FIELDS: dict[str, Any] = {
    "needs": {"corpus": "c1", "instruct": "i1", "cpt": "p1"},
    "base_model": {"name": "a/b"},
    "section": {"method": "full", "learning_rate": 2e-4, "lora_r": 64},
    "facts": training_facts(
        steps=120, loss_tokens=34567, trainable={**training_facts()["trainable"], "trained": 4_900_000},
        loss={"train": 1.25, "held_out": 1.5, "gap": 0.25, "conversations": [9, 1]},
    ),
    "seconds": 75.4,
}  # fmt: skip


def folders(tmp_path: Path, name: str, **changes: Any) -> dict[str, Path]:
    fields = copy.deepcopy(FIELDS)
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = fields
        for parent in parents:
            node = node[parent]
        node[last] = value
    write_manifest(tmp_path / name, manifest("sft", **fields))
    return {"sft": tmp_path / name}


def test_the_same_but_for_the_method_is_matched(tmp_path: Path) -> None:
    one = folders(tmp_path, "one")
    other = folders(tmp_path, "two", section__method="dora", section__lora_r=256)
    assert proof({"one": one, "two": other}) == [
        "matched: one corpus, one set of conversations, one CPT, one base, 120 steps, the same order of documents, "
        "34,567 supervised tokens",
        "they differ in sft: method, lora_r",
    ]
    assert proof({"one": one}) == []


def test_anything_else_that_differs_is_named(tmp_path: Path) -> None:
    one = folders(tmp_path, "one")
    for path, said in {
        "needs__instruct": "the set of conversations of two",
        "needs__cpt": "the CPT of two",
        "facts__data_order": "the order of documents of two",
        "facts__steps": "the steps of two",
        "base_model__name": "the base of two",
    }.items():
        lines = proof(
            {"one": one, "two": folders(tmp_path, "two", **{path: 121 if path.endswith("steps") else "other"})}
        )
        assert lines[0] == f"not matched: {said} is another than that of one"


def test_the_cost_of_one(tmp_path: Path) -> None:
    assert training(folders(tmp_path, "one")) == {
        "trained parameters": "4.9 M", "peak memory": "3.0 GiB", "seconds": "75",
        "loss, trained on": "1.250", "loss, held out": "1.500", "gap": "0.250",
    }  # fmt: skip
    assert training({"sft": tmp_path / "nowhere"}) == training({}) == {}
    assert training(folders(tmp_path, "two", facts__loss=None))["gap"] == "–"
