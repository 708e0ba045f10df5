"""Conversations as text to pretrain on: in the template, answers alone count, own answers only where they are whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.models.generate import Answer
from llimba.recipe import ChatDocuments
from llimba.records import Conversation, Document, write_records
from llimba.stages.cpt import chat
from llimba.stages.cpt.chat import conversations, own_answers
from llimba.stages.cpt.estimate import estimate
from llimba.stages.cpt.stage import run, training_examples
from llimba.stages.folders import CorpusFolder
from llimba.training.examples import IGNORED
from tests.fakes import SENTENCES, recipe, recipe_content, save_tiny_model, tiny_tokenizer, write_held_out

AS_THEY_STAND = ChatDocuments(own_answers=False)


def corpus(folder: Path, count: int = 6, source: str = "prompts") -> CorpusFolder:
    """Sardinian and Italian documents, and conversations of one source; the last sentences are held out."""
    documents = (
        Document(id=f"{code}{i}", text=text, language=code, source="s", license="x", provenance="p")
        for code in ("sc", "it")
        for i, text in enumerate(SENTENCES[code])
    )
    write_records(folder / "documents.jsonl", documents)
    asked = (
        Conversation(
            id=f"c{i}", source=source, license="x", provenance="p",
            messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"Question {i}?"},
                      {"role": "assistant", "content": f"Given answer {i}."}],
        )
        for i in range(count)
    )  # fmt: skip
    write_records(folder / "conversations.jsonl", asked)
    write_held_out(folder)
    return CorpusFolder(folder)


def with_chat(tmp_path: Path, settings: dict[str, Any], **changes: Any) -> Any:
    content = recipe_content(tmp_path)["cpt"] | {"chat": settings} | changes
    return recipe(tmp_path, cpt=content)


def answering(monkeypatch: pytest.MonkeyPatch, say: dict[str, Answer]) -> list[list[str]]:
    """A base model that says `say`, else "Fine."; returns what it is asked, call by call."""
    calls: list[list[str]] = []

    def generate(model: Any, tokenizer: Any, prompts: Sequence[str], *_: Any, **__: Any) -> list[Answer]:
        calls.append([prompt.split("user\n")[1].split("<|im_end|>")[0] for prompt in prompts])
        return [say.get(prompt, Answer("Fine.", True)) for prompt in calls[-1]]

    monkeypatch.setattr(chat, "generate", generate)
    return calls


def test_they_are_read_in_the_template_and_answers_alone_count(tmp_path: Path) -> None:
    loaded = with_chat(
        tmp_path, {"own_answers": False}, mixture={"sc": 0.5, "it": 0.3, "chat/human": 0.2}, max_tokens=500
    )
    tokenizer = tiny_tokenizer()
    found = training_examples(loaded, corpus(tmp_path / "corpus"), tokenizer)
    spoken = [example for example in found if example.language == "chat/human"]
    assert sum(len(example.input_ids) for example in spoken) == 100
    text = tokenizer.decode(spoken[0].input_ids)
    assert text.startswith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQuestion")
    counted = tokenizer.decode([label for label in spoken[0].labels if label != IGNORED])
    assert counted.startswith("Given answer") and counted.endswith("<|im_end|>")


def test_an_own_answer_takes_the_place_of_the_given_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "base")
    folder, scored = corpus(tmp_path / "corpus"), SENTENCES["sc"][8]
    cut, contaminated, empty = Answer("It goes on and", False), Answer(f"So:\n{scored}", True), Answer(" ", True)
    calls = answering(monkeypatch, {"Question 0?": cut, "Question 1?": contaminated, "Question 2?": empty})
    made = own_answers(with_chat(tmp_path, {"max_new_tokens": 40}), folder, tmp_path / "base", tmp_path)
    assert len(calls) == 1 and len(calls[0]) == 6
    found = list(conversations(ChatDocuments(), folder, made))
    assert {c.id for c in found} == {"c3", "c4", "c5"}
    by_id = {c.id: c for c in found}
    assert by_id["c3"].messages == [
        {"role": "user", "content": "Question 3?"},
        {"role": "assistant", "content": "Fine."},
    ]
    assert by_id["c3"].origin == "generated"


def test_answers_that_are_there_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "base")
    folder = corpus(tmp_path / "corpus", count=5)
    monkeypatch.setattr(chat, "AT_ONCE", 2)
    calls = answering(monkeypatch, {})

    def killed(*_: Any, **__: Any) -> list[Answer]:
        if len(calls) == 2:
            raise KeyboardInterrupt
        return answer(*_, **__)

    answer = chat.generate
    monkeypatch.setattr(chat, "generate", killed)
    asked = (with_chat(tmp_path, {"max_new_tokens": 40}), folder, tmp_path / "base", tmp_path)
    with pytest.raises(KeyboardInterrupt):
        own_answers(*asked)
    assert not (tmp_path / chat.ANSWERS).exists()
    monkeypatch.setattr(chat, "generate", answer)
    made = own_answers(*asked)
    assert [len(call) for call in calls] == [2, 2, 1]
    assert len({row["id"] for row in read_jsonl(made)}) == 5
    own_answers(*asked)
    assert len(calls) == 3


def test_what_does_not_fit_is_not_asked_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "base")
    folder, calls = corpus(tmp_path / "corpus"), answering(monkeypatch, {})
    loaded = with_chat(tmp_path, {"max_new_tokens": 120}, mixture={})  # of 128 a row
    made = own_answers(loaded, folder, tmp_path / "base", tmp_path)
    assert calls == [] and list(read_jsonl(made)) == []
    with pytest.raises(StageError, match="came to an end"):
        list(conversations(ChatDocuments(), folder, made))
    short = with_chat(tmp_path, {"own_answers": False}, mixture={}, sequence_length=40)
    found = training_examples(short, folder, tiny_tokenizer())
    assert "chat" not in {example.language for example in found}


def test_a_model_without_a_template_is_refused(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "base")
    (tmp_path / "base" / "chat_template.jinja").unlink()
    with pytest.raises(StageError, match="has no chat template"):
        own_answers(with_chat(tmp_path, {}), corpus(tmp_path / "corpus"), tmp_path / "base", tmp_path)


def test_sources_and_number_are_those_asked_for(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "corpus")
    assert len(list(conversations(AS_THEY_STAND.model_copy(update={"max_conversations": 2}), folder))) == 2
    with pytest.raises(StageError, match="no conversation of these sources"):
        list(conversations(AS_THEY_STAND.model_copy(update={"sources": ["other"]}), folder))


def test_the_stage_asks_the_base_model_before_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "base")
    folder = corpus(tmp_path / "corpus")
    phases = [
        {"share": 0.5, "mixture": {"sc": 0.6, "it": 0.2, "chat": 0.2}},
        {"share": 0.5, "mixture": {"sc": 0.8, "it": 0.2}},
    ]
    loaded = with_chat(tmp_path, {"max_new_tokens": 8}, mixture={}, phases=phases, max_tokens=400)
    with pytest.raises(StageError, match="came to an end within 8"):  # a random model has no end to what it says
        run(loaded, {"corpus": folder.path}, tmp_path / "random")
    answering(monkeypatch, {})
    foreseen = estimate(loaded, {"corpus": folder.path}, "rtx4090")  # the answers are not there yet
    facts = run(loaded, {"corpus": folder.path}, tmp_path / "out")
    assert (foreseen.tokens, foreseen.steps) == (400, pytest.approx(facts["steps"], abs=4))
    assert facts["phases"] == [{"sc": 120, "it": 40, "chat": 40}, {"sc": 160, "it": 40}]
    assert facts["own_answers"] == {"made": 6, "came_to_an_end": 6}


def test_a_recipe_says_what_its_chat_is(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"the section cpt.chat does not say which"):
        recipe(tmp_path, cpt=recipe_content(tmp_path)["cpt"] | {"mixture": {"sc": 0.9, "chat": 0.1}})
    with pytest.raises(Exception, match=r"cpt.chat.sources: there is no source 'nowhere'"):
        with_chat(tmp_path, {"sources": ["nowhere"]})
