"""What cpt and sft do at their end: one weight, or a list chosen from by text that nobody has read."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError, StageError
from llimba.records import Document, write_records
from llimba.reports.training_facts import Interpolation
from llimba.stages.cpt.stage import run as run_cpt
from llimba.stages.folders import CorpusFolder
from llimba.stages.interpolation.after_training import reserved_documents
from llimba.stages.sft.stage import run as run_sft
from llimba.training.interpolation.weights import Between
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, write_held_out

FILE = "model.safetensors"


def corpus(folder: Path, copies: int = 5) -> dict[str, Path]:
    texts = ((f"{code}{i}.{n}", code, f"{text} {n}") for code in ("sc", "it") for i, text in enumerate(SENTENCES[code])
             for n in range(copies))  # fmt: skip
    documents = (Document(id=i, text=t, language=c, source="s", license="x", provenance="p") for i, c, t in texts)
    write_records(folder / "documents.jsonl", documents)
    write_held_out(folder)
    return {"corpus": folder}


def changed(folder: Path, **cpt: object) -> object:
    return recipe(folder, cpt=recipe_content(folder)["cpt"] | {"max_steps": 3, **cpt})


def test_one_weight_and_the_ends(tmp_path: Path) -> None:
    base, inputs = save_tiny_model(tmp_path / "base"), corpus(tmp_path / "corpus")
    plain = run_cpt(changed(tmp_path), inputs, tmp_path / "plain")
    assert plain["interpolation"] is None
    for weight in (0.0, 0.5, 1.0):
        facts = run_cpt(changed(tmp_path, interpolate=weight), inputs, tmp_path / f"at{weight}")
        assert facts["interpolation"] == Interpolation(weight=weight, reason="set in the recipe").model_dump()
        assert facts["data_order"] == plain["data_order"]  # the training is the same
        Between(base, tmp_path / "plain" / "model").write(weight, tmp_path / f"by hand {weight}")
        made = (tmp_path / f"at{weight}" / "model" / FILE).read_bytes()
        assert made == (tmp_path / f"by hand {weight}" / FILE).read_bytes()
    assert (tmp_path / "at0.0" / "model" / FILE).read_bytes() == (base / FILE).read_bytes()
    assert not list((tmp_path / "at0.5").glob(".model*"))


def test_a_list_is_chosen_from_by_documents_that_were_not_trained_on(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    inputs = corpus(tmp_path / "corpus")
    asked = changed(tmp_path, interpolate=[0.25, 0.75])
    aside = reserved_documents(asked, asked.cpt, CorpusFolder(tmp_path / "corpus"))  # type: ignore[attr-defined]
    assert {d.language for d in aside} == {"sc", "it"}
    from llimba.stages.cpt.stage import training_examples
    from tests.fakes import tiny_tokenizer

    trained = {e.document for e in training_examples(asked, CorpusFolder(tmp_path / "corpus"), tiny_tokenizer())}  # type: ignore[arg-type]
    assert trained
    assert not trained & {d.id for d in aside}
    facts = run_cpt(asked, inputs, tmp_path / "out")["interpolation"]  # type: ignore[arg-type]
    assert facts["weight"] in (0.25, 0.75)
    assert [row["weight"] for row in facts["table"]] == [0, 0.25, 0.75, 1]
    assert facts["table"][3]["sc"] < facts["table"][0]["sc"]
    assert facts["num_bytes"]["sc"] == sum(len(d.text.encode()) for d in aside if d.language == "sc")
    assert "lowest bits per byte of sc" in facts["reason"]


def test_sft_goes_back_towards_its_own_start(tmp_path: Path) -> None:
    from llimba.records import Conversation

    base, inputs = save_tiny_model(tmp_path / "base"), corpus(tmp_path / "corpus")
    talks = (
        Conversation(id=str(i), source="s", license="x", provenance="p",
                     messages=[{"role": "user", "content": a}, {"role": "assistant", "content": b}])
        for i, (a, b) in enumerate(zip(SENTENCES["it"], SENTENCES["sc"], strict=True))
    )  # fmt: skip
    write_records(tmp_path / "instruct" / "conversations.jsonl", talks)
    sft = recipe_content(tmp_path)["sft"] | {"max_steps": 2, "method": "lora", "lora_r": 4, "interpolate": 0.0}
    loaded = recipe(tmp_path, cpt=None, sft=sft)
    facts = run_sft(loaded, {**inputs, "instruct": tmp_path / "instruct"}, tmp_path / "out")
    assert facts["merge_proof"]["answers"] == 10  # of the merged model, before it goes back
    assert facts["interpolation"]["weight"] == 0
    assert (tmp_path / "out" / "model" / FILE).read_bytes() == (base / FILE).read_bytes()


def test_what_could_not_be_chosen_is_refused_before_any_training(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    with pytest.raises(StageError, match="too little text in 'sc' to leave a tenth"):
        run_cpt(changed(tmp_path, interpolate=[0.5, 1.0]), corpus(tmp_path / "corpus", 0), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    content = recipe_content(tmp_path)
    with pytest.raises(RecipeError, match="set cpt.choose_max_bytes: 20000"):
        recipe(tmp_path, sft=content["sft"] | {"interpolate": [0.5, 1.0]})
    with pytest.raises(RecipeError, match="leave out choose_max_bytes"):
        changed(tmp_path, interpolate=[0.5, 1.0], choose_max_bytes=0)
    with pytest.raises(RecipeError, match=r"cpt.interpolate.*less than or equal to 1.5"):
        changed(tmp_path, interpolate=2.0)
    both = recipe(tmp_path, cpt=content["cpt"] | {"choose_max_bytes": 500}, sft=content["sft"] | {"interpolate": [1.0]})
    corpus(tmp_path / "corpus")
    reserved = reserved_documents(both, both.sft, CorpusFolder(tmp_path / "corpus"))
    assert {document.language for document in reserved} == {"sc", "it"}  # sft chooses by what cpt left out


def test_a_run_that_dies_between_start_and_trained_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny_model(tmp_path / "base")
    inputs, asked = corpus(tmp_path / "corpus"), changed(tmp_path, interpolate=[0.5, 1.0])
    whole = run_cpt(asked, inputs, tmp_path / "whole")  # type: ignore[arg-type]
    with monkeypatch.context() as patched:

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(Between, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            run_cpt(asked, inputs, tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out" / "model").exists()
    facts = run_cpt(asked, inputs, tmp_path / "out")  # type: ignore[arg-type]
    assert facts["resumed_at_step"] == facts["steps"] == 3  # nothing is trained again
    assert facts["interpolation"] == whole["interpolation"]
    made = [(tmp_path / name / "model" / FILE).read_bytes() for name in ("whole", "out")]
    assert made[0] == made[1]
