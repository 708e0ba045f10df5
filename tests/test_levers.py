"""Every arm of benchmarks/levers.py is a recipe that loads, of the tokens that it is to be compared by."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from llimba.recipe.file import load_recipe
from tests import ROOT
from tests.fakes import SENTENCES

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def levers() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    specification = importlib.util.spec_from_file_location("levers", BENCHMARKS / "levers.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    sys.path.remove(str(BENCHMARKS))
    return module


def arguments(folder: Path) -> argparse.Namespace:
    rows = [{"id": i, **{code: SENTENCES[code][i] for code in SENTENCES}} for i in range(10)]
    for name, part in (("rows", rows[:7]), ("dev", rows[7:])):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in part) + "\n")
    (folder / "text.txt").write_text("\n".join(f"Custu est su contu nùmeru {i}." for i in range(2100)) + "\n")
    (folder / "model").mkdir()
    for made in ("back", "forward"):  # as if Apertium had been there
        (folder / f"d2-{made}.jsonl").write_text((folder / "rows.jsonl").read_text())
    (folder / "d4-own.jsonl").write_text('{"id": 1, "text": "as if the model had answered"}\n')
    named: dict[str, Any] = {name: str(folder / f"{name}.jsonl") for name in ("rows", "dev")}
    return argparse.Namespace(
        **named, text=str(folder / "text.txt"), model=str(folder / "model"), out=str(folder), name="tests/tiny",
        license="CC0-1.0", tokens=1000, tokens_per_step=2048, learning_rate=1e-3, d2_rows=5,
    )  # fmt: skip


def test_every_arm_is_a_recipe(levers: ModuleType, tmp_path: Path) -> None:
    given = arguments(tmp_path)
    for experiment, table in levers.ARMS.items():
        for number, settings in enumerate(filter(None, table.values())):
            path = tmp_path / f"{experiment}{number}.yaml"
            path.write_text(yaml.safe_dump(levers.recipe(given, settings, 1)))
            loaded = load_recipe(path)
            assert loaded.cpt is not None
            assert loaded.cpt.epoch_tokens == 1000
    held = (tmp_path / "text-dev.txt").read_text().splitlines()
    assert len(held) == 100
    assert not set(held) & set((tmp_path / "text-train.txt").read_text().splitlines())


def test_the_arms_of_the_tail_read_as_much_of_every_language(levers: ModuleType) -> None:
    """Pairs in the six directions are half Sardinian, and a sixth each of the others: arm a reads that much alone."""
    shares = []
    for settings in levers.ARMS["d1"].values():
        phases = settings.get("phases") or [{"share": 1, "mixture": settings["mixture"]}]
        total: dict[str, float] = {}
        for phase in phases:
            for key, share in phase["mixture"].items():
                parts = levers.AS_IN_PAIRS if key == "pairs" else {key: 1}
                for language, part in parts.items():
                    total[language] = total.get(language, 0) + phase["share"] * share * part
        shares.append({language: round(share, 6) for language, share in sorted(total.items())})
    assert shares == [shares[0]] * len(shares)


def test_a_finished_arm_is_not_run_again(levers: ModuleType, tmp_path: Path) -> None:
    runs: list[tuple[str, int]] = []

    def run(arm: str, seed: int) -> dict[str, Any]:
        runs.append((arm, seed))
        return {"bits_per_byte": {"sc": 1.0 + seed}, "steps": 3, "tokens": 5}

    record = tmp_path / "x.jsonl"
    rows = levers.arms.finish_missing(record, {"a": "1"}, [1, 2], run)
    assert levers.arms.by_arm(rows)["a"]["bits_per_byte"]["sc"] == {"mean": 2.5, "sd": 0.7071, "values": [2.0, 3.0]}
    levers.arms.finish_missing(record, {"a": "1", "b": "1"}, [1, 2], run)
    levers.arms.finish_missing(record, {"a": "2"}, [1], run)  # other settings: another arm
    assert runs == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("a", 1)]


def test_the_prompt_does_not_count(levers: ModuleType, tmp_path: Path) -> None:
    """Scored given a prompt is scored with the prompt before it, less the prompt: sums of the same log-likelihoods."""
    from tests.fakes import tiny_model, tiny_tokenizer

    scorer = levers.arms.Scorer(tiny_model(), tiny_tokenizer(), 256)
    prompt, text = "Italian: perché no\nSardinian:", "pro ite nono"
    whole = scorer.alone([("d", f"{prompt} {text}")]) * len(f"{prompt} {text}".encode())
    before = scorer.alone([("d", prompt)]) * len(prompt.encode())
    assert scorer.given([(prompt, text)]) * len(text.encode()) == pytest.approx(whole - before, rel=0.01)


def test_table_and_picture_show_every_arm(levers: ModuleType, tmp_path: Path) -> None:
    scores = dict.fromkeys(("en>sc", "it>sc", "sc>en", "sc>it", *levers.LANGUAGES), 1.5)
    rows = [
        {"arm": arm, "seed": seed, "steps": 1, "tokens": 1, "bits_per_byte": {**scores, "sc": 1.0 + seed}}
        for arm in levers.ARMS["d1"]
        for seed in (1, 2)
    ]
    found = levers.arms.by_arm(rows)
    assert levers.table(found).count("| 2 | 1.500 ±0.000") == len(levers.ARMS["d1"])
    assert "2.500 ±0.707" in levers.table(found)
    assert not set("↓↑") & set(levers.table(found))
    levers.draw(found, tmp_path / "d1.png")
    assert (tmp_path / "d1.png").stat().st_size > 5000


def test_a_difference_counts_beyond_two_deviations_of_the_first_arm(levers: ModuleType) -> None:
    values = {"a": (1.0, 1.1, 1.2), "worse": (1.31,), "within": (1.29,), "better": (0.8, 0.85)}
    rows = [
        {"arm": arm, "seed": seed, "steps": 1, "tokens": 1, "bits_per_byte": {"sc": value}}
        for arm, found in values.items()
        for seed, value in enumerate(found)
    ]
    told = {line.split(" |")[0].strip("| "): line for line in levers.table(levers.arms.by_arm(rows)).splitlines()[2:]}
    assert "1.310 ↑" in told["worse"]
    assert "1.290 |" in told["within"]
    assert "0.825 ±0.035 ↓" in told["better"]
