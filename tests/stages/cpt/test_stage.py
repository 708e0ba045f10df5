"""The cpt stage: a folder that loads, and the mixture in the facts."""

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.records import Document, Pair, write_records
from llimba.stages.cpt.estimate import estimate
from llimba.stages.cpt.stage import run, training_examples
from llimba.stages.folders import CorpusFolder
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, tiny_tokenizer, write_held_out


def corpus(folder: Path, *languages: str) -> dict[str, Path]:
    documents = (
        Document(id=f"{code}{i}", text=text, language=code, source="s", license="x", provenance="p")
        for code in languages
        for i, text in enumerate(SENTENCES[code])
    )
    write_records(folder / "documents.jsonl", documents)
    write_held_out(folder)
    return {"corpus": folder}


def test_it_trains_and_reports_the_mixture(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    facts = run(recipe(tmp_path), corpus(tmp_path / "corpus", "sc", "it"), tmp_path / "out")
    tokens = facts["tokens_per_epoch"]
    assert tokens["it"] == pytest.approx(0.4 * sum(tokens.values()), abs=1)
    assert facts["last_loss"] < facts["first_loss"]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model").dtype.is_floating_point
    looks = facts["held_out"]
    assert [looks[0]["step"], looks[-1]["step"]] == [0, facts["steps"]]
    assert looks[-1]["sc"] < looks[0]["sc"]
    samples = list(read_jsonl(tmp_path / "out" / "samples.jsonl"))
    assert {sample["prompt"] for sample in samples} == {"Su maistru legit unu libru a sos iscolanos."}
    assert any((tmp_path / "out" / "trackers").rglob("events.out.tfevents.*"))


def test_phases_and_pairs_are_read_in_their_order_and_counted(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    content = recipe_content(tmp_path)
    cpt = {
        **{key: value for key, value in content["cpt"].items() if key != "mixture"},
        "max_tokens": 600,
        "pairs": {"directions": ["it-sc", "sc-it"]},
        "phases": [
            {"share": 0.5, "mixture": {"sc": 0.6, "it": 0.4}},
            {"share": 0.5, "mixture": {"pairs": 0.75, "sc": 0.25}},
        ],
    }
    inputs = corpus(tmp_path / "corpus", "sc", "it")
    pairs = (
        Pair(id=f"p{i}", texts={"sc": SENTENCES["sc"][i], "it": SENTENCES["it"][i]}, source="s", license="x",
             provenance="p")
        for i in range(7)
    )  # fmt: skip
    write_records(tmp_path / "corpus" / "pairs.jsonl", pairs)
    loaded = recipe(tmp_path, cpt=cpt)
    facts = run(loaded, inputs, tmp_path / "out")
    assert facts["phases"] == [{"sc": 180, "it": 120}, {"pairs": 225, "sc": 75}]
    assert facts["tokens_per_epoch"] == {"sc": 255, "it": 120, "pairs": 225}
    assert facts["loss_tokens"] == 600
    assert facts["steps"] == estimate(loaded, inputs, "rtx4090").steps


def test_its_own_seed_reads_other_documents(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    corpus(tmp_path / "corpus", "sc", "it")
    read = []
    for seed in (1, 1, 2):
        settings = {**recipe_content(tmp_path)["cpt"], "seed": seed, "max_tokens": 300}
        found = training_examples(recipe(tmp_path, cpt=settings), CorpusFolder(tmp_path / "corpus"), tiny_tokenizer())
        read.append([(example.document, example.input_ids.tolist()) for example in found])
    assert read[0] == read[1] != read[2]


def test_an_empty_corpus_is_an_error(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    with pytest.raises(StageError, match="holds no document"):
        run(recipe(tmp_path, cpt={"precision": "fp32"}), corpus(tmp_path / "corpus"), tmp_path / "out")
