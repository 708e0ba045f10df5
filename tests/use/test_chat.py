"""Answers stream, are the model's greedy ones, and outgrown turns are forgotten."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from llimba.models.encoding import PromptTooLong
from llimba.use.chat import Chat
from tests.use.models import opened


def test_an_answer_is_the_models_own_in_pieces(tmp_path: Path) -> None:
    found = opened(tmp_path)
    chat = Chat(found, system="Ses un'assistente.", max_new_tokens=12)
    pieces = list(chat.answer("Salude"))
    messages = [{"role": "system", "content": "Ses un'assistente."}, {"role": "user", "content": "Salude"}]
    ids = torch.tensor([found.prompt(messages, 12)])
    expected = found.model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
    assert "".join(pieces) == found.tokenizer.decode(expected, skip_special_tokens=True)
    assert chat.turns[0] == {"role": "user", "content": "Salude"}
    assert chat.turns[1]["role"] == "assistant"
    chat.reset()
    assert chat.turns == []


def test_the_token_that_ends_an_answer_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened(tmp_path)
    forward, end = found.model.forward, torch.nn.functional.one_hot(torch.tensor(258), 260) * 1000.0

    def ending(*given: Any, **more: Any) -> Any:
        output = forward(*given, **more)
        output.logits = output.logits + end
        return output

    monkeypatch.setattr(found.model, "forward", ending)
    chat = Chat(found, max_new_tokens=12)
    assert "".join(chat.answer("Salude")) == ""
    assert chat.turns == []


def test_a_temperature_samples(tmp_path: Path) -> None:
    found = opened(tmp_path)
    answers = set()
    for seed in range(4):
        torch.manual_seed(seed)
        answers.add("".join(Chat(found, temperature=2.0, max_new_tokens=16).answer("Salude")))
    assert len(answers) > 1


def test_a_reader_who_stops_ends_the_generation(tmp_path: Path) -> None:
    chat = Chat(opened(tmp_path), max_new_tokens=2000)
    stream = chat.answer("Salude")
    first = next(piece for piece in stream if piece)
    stream.close()
    assert chat.turns[1]["content"] == first.strip()


def test_a_slow_word_leaves_the_reader_a_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened(tmp_path)
    generate = found.model.generate

    def slowly(**given: Any) -> Any:
        time.sleep(0.3)
        return generate(**given)

    monkeypatch.setattr(found.model, "generate", slowly)
    monkeypatch.setattr("llimba.models.streaming.BREATH_SECONDS", 0.05)
    chat = Chat(found, max_new_tokens=12)
    stream = chat.answer("Salude")
    assert next(stream) == ""
    stream.close()
    assert chat.turns == [], "nothing was said, so nothing is kept"
    assert "" in list(chat.answer("Salude"))
    assert len(chat.turns) == 2


def test_old_turns_are_forgotten_and_too_long_ones_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chat = Chat(opened(tmp_path, context=200), system="Ses", max_new_tokens=20)
    with caplog.at_level(logging.INFO):
        for number in range(4):
            list(chat.answer(f"{number} " + "a" * 60))
    assert "oldest turn is forgotten" in caplog.text
    assert not any(turn["content"].startswith("0 ") for turn in chat.turns)
    before = list(chat.turns)
    with pytest.raises(PromptTooLong):
        list(chat.answer("a" * 1000))
    assert chat.turns == before


def test_a_model_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llimba.errors import LlimbaError

    found = opened(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(found.model, "generate", fail)
    with pytest.raises(LlimbaError, match="could not answer .out of memory"):
        list(Chat(found).answer("Salude"))
