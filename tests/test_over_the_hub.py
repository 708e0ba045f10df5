"""Whole commands over a hub on loopback: the recipes' data stages, a model scored by its id, a model pushed.

Rows are made up; ids, columns and language codes are those that the data sets publish.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ROOT
from tests.fakes import SENTENCES, save_tiny_model
from tests.loopback_hub import GRANTED, LoopbackHub, card, jsonl, parquet

CODES = {"sc": ("srd", "Latn"), "it": ("ita", "Latn"), "es": ("spa", "Latn"), "en": ("eng", "Latn")}
WIKIPEDIAS = ("sc", "it", "es", "ca", "pt", "en")
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"


def text(code: str, number: int) -> str:
    """Sentences of a language's words that no other number has."""
    drawn = random.Random(f"{code} {number}")
    words = sorted({word.strip(".,").lower() for line in SENTENCES.get(code, SENTENCES["es"]) for word in line.split()})
    return " ".join(" ".join(drawn.sample(words, 8)).capitalize() + "." for _ in range(5))


def articles(code: str) -> bytes:
    return parquet([{"id": str(n), "url": "x", "title": "x", "text": text(code, n)} for n in range(30)])


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    with LoopbackHub() as started:
        names = {code: f"20231101.{code}" for code in WIKIPEDIAS}
        started.add(
            "datasets/wikimedia/wikipedia",
            {
                "README.md": card(**{name: {"train": f"{name}/*"} for name in names.values()}),
                **{f"{name}/train-00000-of-00001.parquet": articles(code) for code, name in names.items()},
            },
        )
        corpus = [
            {"text": text(code, n), "language": language}
            for code, language, rows in (("sc", "srd", 60), ("it", "it", 10), ("es", "spa_Latn", 10))
            for n in range(rows)
        ]
        started.add("datasets/lballore/llimba-corpus", {"train.jsonl": jsonl(corpus)}, gated=True)
        talk = [
            {
                "messages": [
                    {"role": "user", "content": f"Borta {n}: {text('it', n)}"},
                    {"role": "assistant", "content": text("sc", n)},
                ]
            }
            for n in range(20)
        ]
        started.add("datasets/lballore/llimba-sft", {"train.jsonl": jsonl(talk)})
        scored = [{"id": n, **{code: f"{text(code, 900 + n)}" for code in (*CODES, "fr", "pt")}} for n in range(12)]
        started.add(
            "datasets/lballore/llimba-flores-srd-eval",
            {"README.md": card(default={"test": "eval.jsonl"}), "eval.jsonl": jsonl(scored)},
        )
        seed = {
            f"seed/{iso}_{script}.parquet": parquet(
                [{"id": n, "iso_639_3": iso, "iso_15924": script, "text": text(code, 300 + n)} for n in range(15)]
            )
            for code, (iso, script) in {**CODES, "fur": ("fur", "Latn")}.items()
        }
        started.add("datasets/openlanguagedata/oldi_seed", {"README.md": card(default={"train": "seed/*"}), **seed})
        started.add_folder(f"models/{MODEL}", save_tiny_model(tmp_path_factory.mktemp("model")))
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def llimba(hub: LoopbackHub, home: Path, *words: str, token: str = GRANTED) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own, with this cache."""
    command = [sys.executable, "-m", "llimba", *words]
    environment = hub.environment(home, token, COLUMNS="400")
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=230)


def manifest(runs: Path, stage: str) -> dict[str, Any]:
    (found,) = (runs / stage).glob("*/manifest.json")
    told: dict[str, Any] = json.loads(found.read_text())
    return told


def test_the_demo_from_hub_sources(hub: LoopbackHub, home: Path, tmp_path: Path) -> None:
    done = llimba(hub, home, "run", "recipes/demo-hub.yaml", "--until", "corpus", "--runs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    sources = manifest(tmp_path, "sources")["facts"]["sources"]
    assert {name: found["documents"] for name, found in sources.items() if found["documents"]} == {
        f"wikipedia-{code}": 30 for code in WIKIPEDIAS
    }
    assert (sources["conversations"]["conversations"], sources["flores"]["pairs"]) == (20, 12)
    assert {len(found["revision"]) for found in sources.values()} == {40}


def test_the_published_recipe_with_seed_and_who_may_not_read_it(hub: LoopbackHub, home: Path, tmp_path: Path) -> None:
    """sardinian-3b is llimba-3b with further sources; what its `instruct` translates with a model is left out."""
    command = ["run", "recipes/sardinian-3b.yaml", "--until", "instruct", "--runs", str(tmp_path)]
    command += ["--set", "instruct.back_translate=null"]
    refused = llimba(hub, home, *command, token="")
    assert refused.returncode == 2
    assert "sources.corpus.dataset: lballore/llimba-corpus is gated, and nobody is logged in" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = llimba(hub, home, *command)
    assert done.returncode == 0, done.stderr
    sources = manifest(tmp_path, "sources")["facts"]["sources"]
    words = sources["corpus"]["words"]
    assert words.keys() == {"sc", "it", "es"} and words["sc"] > words["it"]
    assert sources["seed"]["pairs"] == 15 and sources["seed"]["skipped"] == {"language: fur_Latn": 15}
    assert sources["seed"]["pair_words"].keys() == CODES.keys()


def test_a_model_of_the_hub_is_scored_by_its_id(hub: LoopbackHub, home: Path, tmp_path: Path) -> None:
    recipe = {
        "language": "srd",
        "base_model": {"name": MODEL, "hub": MODEL, "license": "apache-2.0"},
        "sources": {
            "text": {
                "kind": "hub", "dataset": "lballore/llimba-corpus", "license": "CC0-1.0",
                "columns": {"language": "language"},
            },
            "flores": {
                "kind": "hub", "dataset": "lballore/llimba-flores-srd-eval", "split": "test", "yields": "pairs",
                "license": "CC0-1.0", "role": "evaluate",
            },
        },
        "cpt": {"max_tokens": 1000},
        "evaluate": {
            "directions": ["it-sc"], "languages": ["sc"], "max_sentences": 2, "max_new_tokens": 4, "max_bytes": 500,
        },
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = llimba(hub, home, "evaluate", MODEL, "--recipe", str(tmp_path / "recipe.yaml"), "--runs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "chrF" in done.stdout and MODEL in done.stdout


def test_a_model_is_pushed_by_lfs(hub: LoopbackHub, home: Path, tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "mine")
    (folder / "README.md").write_text("---\nlicense: mit\nlanguage: sc\n---\n# Mine\n")
    done = llimba(hub, home, "push", str(folder), "me/mine", "--yes")
    assert done.returncode == 0, done.stderr
    pushed = hub.repositories["models/me/mine"]
    files = pushed.commits[pushed.head]
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes() and pushed.private
    assert files["README.md"].startswith(b"---\nlicense: mit")
    nobody = llimba(hub, home, "push", str(folder), "me/other", "--yes", token="")
    assert nobody.returncode == 2 and "hf auth login" in nobody.stderr
