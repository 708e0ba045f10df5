"""The instruct stage: cut to the number asked for, no duplicates, an empty result is an error."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, StageError
from llimba.files import read_jsonl
from llimba.languages.identify.identifier import OTHER, Label
from llimba.pipeline.stage_table import stages_of
from llimba.records import Conversation, Document, Pair, read_records, write_records
from llimba.stages.instruct.stage import needs, run
from tests.fakes import SENTENCES, recipe, recipe_content
from tests.models.translators.engines import Backwards

COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}


def corpus(folder: Path, given: list[Conversation]) -> dict[str, Path]:
    folder.mkdir()
    texts = [{code: SENTENCES[code][i % 10] for code in ("sc", "it")} for i in range(20)]
    write_records(folder / "pairs.jsonl", (Pair(id=f"p{i}", texts=t, **COMMON) for i, t in enumerate(texts)))
    write_records(folder / "conversations.jsonl", given)
    evaluated = "Custa fràsia est pro sa proa ebbia."
    scored = Pair(id="e1", texts={"sc": evaluated, "it": "una frase di prova"}, **COMMON)
    write_records(folder / "evaluation.jsonl", [scored])
    held_out = Document(id="h1", text="Unu testu chi nemos depet lèghere prima.", language="sc", **COMMON)
    write_records(folder / "held_out.jsonl", [held_out])
    return {"corpus": folder}


def test_counts_and_duplicates(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Salude!"}, {"role": "assistant", "content": "Salude."}]
    given = [Conversation(id="g1", messages=turns, **COMMON), Conversation(id="g2", messages=turns, **COMMON)]
    changed = recipe(tmp_path, instruct={"directions": ["it-sc"], "system_prompt_share": 0})
    facts = run(changed, corpus(tmp_path / "in", given), tmp_path)
    kept = list(read_records(tmp_path / "conversations.jsonl", Conversation))
    turns_kept = [c.messages[0]["content"] for c in kept]
    assert len(turns_kept) == len(set(turns_kept)) == facts["conversations"]
    assert facts["duplicates_removed"] == 22 - facts["conversations"]
    assert facts["tasks"] == {"translation:it-sc": facts["conversations"] - 1, "": 1}


def test_one_question_with_two_answers_is_no_copy_and_copies_may_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        talk("a", "Ite ora est?", "Sas tres."),
        talk("b", "ITE ORA EST", "Sas  tres."),  # a copy: case and punctuation of the question, spaces of the answer
        talk("c", "Ite ora est?", "Sas trés."),
        talk("d", "Ite ora est?", "Sas bator."),
        replace(talk("e", "Ite ora est?", "Sas tres."), rejected="No l'isco."),
        replace(talk("f", "Ite ora est?", "Sas tres."), rejected="Boh."),
        *(talk(f"x{number}", "Comente istas?", "Bene.") for number in range(5)),
    ]
    inputs = corpus(tmp_path / "in", rows)
    write_records(tmp_path / "in" / "pairs.jsonl", list[Pair]())
    with caplog.at_level("INFO"):
        facts = run(recipe(tmp_path, instruct={}), inputs, tmp_path / "removed")
        whole = run(recipe(tmp_path, instruct={"deduplicate": False}), inputs, tmp_path / "kept")
    kept = {c.id for c in read_records(tmp_path / "removed" / "conversations.jsonl", Conversation)}
    assert kept == {"a", "c", "d", "e", "f", "x0"}
    assert (facts["conversations"], facts["duplicates"], facts["duplicates_removed"]) == (6, 5, 5)
    assert (whole["conversations"], whole["duplicates"], whole["duplicates_removed"]) == (11, 5, 0)
    assert "5 of 11 conversations are copies of another: removed" in caplog.text
    assert "5 of 11 conversations are copies of another: kept (instruct.deduplicate: false)" in caplog.text


def test_an_evaluation_sentence_wrapped_in_an_answer_is_found(tmp_path: Path) -> None:
    rows = [talk("a", "Conta.", "Bo.\nCusta fràsia est\npro sa pro-\na ebbia. Eja."), talk("b", "E tando?", "Nudda.")]
    inputs = corpus(tmp_path / "in", rows)
    write_records(tmp_path / "in" / "pairs.jsonl", list[Pair]())
    facts = run(recipe(tmp_path, instruct={}), inputs, tmp_path)
    assert (facts["conversations"], facts["rejected"]) == (1, {"contaminated": 1})


def test_max_conversations_cuts_the_same_way_whatever_the_order(tmp_path: Path) -> None:
    changed = recipe(tmp_path, instruct={"directions": ["it-sc", "sc-it"], "max_conversations": 7})
    inputs = corpus(tmp_path / "in", [])
    pairs = list(read_records(tmp_path / "in" / "pairs.jsonl", Pair))[:10]
    contents = []
    for order, out in ((pairs, tmp_path / "a"), (pairs[::-1], tmp_path / "b")):
        write_records(tmp_path / "in" / "pairs.jsonl", order)
        assert run(changed, inputs, out)["conversations"] == 7
        contents.append((out / "conversations.jsonl").read_bytes())
    assert contents[0] == contents[1]
    run(changed.model_copy(update={"seed": 9}), inputs, tmp_path / "c")
    assert (tmp_path / "c" / "conversations.jsonl").read_bytes() != contents[0]


def test_no_conversation_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="Name directions under instruct.directions"):
        run(recipe(tmp_path, instruct={}), corpus(tmp_path / "in", []), tmp_path)


def talk(identifier: str, question: str, answer: str, source: str = "aligned") -> Conversation:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return Conversation(id=identifier, messages=messages, **{**COMMON, "source": source})


def test_a_source_upsampled_by_nought_is_left_out_with_what_its_pairs_make(tmp_path: Path) -> None:
    inputs = corpus(tmp_path / "in", [talk("g", "pregunta", "eja"), talk("o", "àtera", "nono", source="scored")])
    texts = {code: SENTENCES[code][0] for code in ("sc", "it")}
    pair = Pair(id="p", texts=texts, **{**COMMON, "source": "aligned"})
    write_records(tmp_path / "in" / "pairs.jsonl", [pair])
    asked = {"directions": ["it-sc"]}
    facts = run(recipe(tmp_path, instruct=asked), inputs, tmp_path)
    assert facts["sources"] == {"aligned": 2, "scored": 1}
    facts = run(recipe(tmp_path, instruct={**asked, "upsample": {"aligned": 0}}), inputs, tmp_path)
    assert facts["sources"] == {"scored": 1}


def test_reviewed_sets_are_upsampled_after_the_cut(tmp_path: Path) -> None:
    given = [talk(f"g{i}", f"pregunta {i}", "eja") for i in range(3)] + [talk("o", "àtera", "nono", source="scored")]
    inputs = corpus(tmp_path / "in", given)
    facts = run(recipe(tmp_path, instruct={"upsample": {"aligned": 5}}), inputs, tmp_path)
    ids = [c.id for c in read_records(tmp_path / "conversations.jsonl", Conversation)]
    assert len(ids) == len(set(ids)) == facts["conversations"] == 3 * 5 + 1
    assert facts["upsampled_copies"] == 12
    assert facts["sources"] == {"aligned": 15, "scored": 1}
    assert {"g0", "g0#2", "g0#5"} <= set(ids)


def test_evaluation_text_is_turned_away_wherever_it_stands(tmp_path: Path) -> None:
    given = [
        talk("a", "Ite est custu?", "Custa frasia est pro sa proa ebbia!"),
        talk("b", "Nara: unu testu chi nemos depet leghere prima", "eja"),
        talk("c", "Ite ses?", "Unu programma."),
    ]
    facts = run(recipe(tmp_path, instruct={}), corpus(tmp_path / "in", given), tmp_path)
    assert facts["rejected"] == {"contaminated": 2}
    assert [row["record"]["id"] for row in read_jsonl(tmp_path / "rejected.jsonl")] == ["a", "b"]
    assert facts["contamination"] == {"evaluation_sentences": 3, "surviving": 0}


def test_a_source_is_replaced_by_its_translation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("llimba.stages.instruct.stage.open_engine", lambda *given: Backwards())
    rows = {"aligned": {"engine": "apertium", "source_language": "en", "route": ["x"]}}
    given = [talk("a", "what is this", "a house"), talk("b", "Ite est?", "Una domo.", source="scored")]
    facts = run(recipe(tmp_path, instruct={"translate": rows}), corpus(tmp_path / "in", given), tmp_path)
    kept = {c.id: c for c in read_records(tmp_path / "conversations.jsonl", Conversation)}
    assert kept["a"].messages[1]["content"] == "a esuoh"
    assert (kept["a"].origin, kept["a"].engine) == ("mt", "backwards")
    assert (kept["b"].origin, kept["b"].engine) == ("human", "")
    assert facts["engines"] == {"backwards": 1}
    assert facts["translated"]["aligned"]["kept"] == 1


def test_the_cpt_model_is_needed_only_where_it_translates(tmp_path: Path) -> None:
    own = {"translate": {"aligned": {"engine": "model", "source_language": "it"}}}
    assert needs(recipe(tmp_path, instruct=own)) == ("cpt",)
    assert needs(recipe(tmp_path)) == ()
    order = [stage.name for stage, _ in stages_of(recipe(tmp_path, instruct=own))]
    assert order == ["sources", "corpus", "cpt", "instruct", "sft", "evaluate", "publish"]
    content = recipe_content(tmp_path) | {"instruct": own}
    with pytest.raises(RecipeError, match="needs a folder, or a cpt section"):
        recipe(tmp_path, **{**content, "cpt": None})


def test_a_name_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"instruct.upsample.prose: no pair or conversation .*aligned"):
        run(
            recipe(tmp_path, instruct={"upsample": {"prose": 2}}),
            corpus(tmp_path / "in", [talk("a", "b", "c")]),
            tmp_path,
        )


def test_the_corpus_stages_identifier_turns_away_what_is_surely_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("llimba.stages.instruct.stage.open_engine", lambda *given: Backwards())

    class Hears:
        """Takes a text with an `acca` for Italian, one with a `bo` for a language it does not know."""

        def label(self, text: str) -> Label:
            return Label("it" if "acca" in text else OTHER if "ob" in text else "sc", 0.9)

    monkeypatch.setattr("llimba.languages.identify.identifier.Identifier.load", lambda path: Hears())
    rows = {"aligned": {"engine": "apertium", "source_language": "en", "route": ["x"]}}
    answers = {"a": "one acca two three four five six", "b": "one bo two three four five six"}
    inputs = corpus(tmp_path / "in", [talk(key, f"question {key}", text) for key, text in answers.items()])
    changed = recipe(tmp_path, instruct={"translate": rows})
    assert run(changed, inputs, tmp_path)["rejected"] == {}  # nothing was trained: no language is checked
    (inputs["corpus"] / "identifier.safetensors").touch()
    facts = run(changed, inputs, tmp_path)
    assert facts["rejected"] == {"language": 1}
    assert facts["translated"]["aligned"]["language_checked"]
    assert [c.id for c in read_records(tmp_path / "conversations.jsonl", Conversation)] == ["b"]
