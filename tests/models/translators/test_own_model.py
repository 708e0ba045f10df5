"""The recipe's own model translates by answering its prompt; an answer that does not stop counts for nothing."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from llimba.errors import StageError, Unavailable
from llimba.languages.profile import load_language
from llimba.languages.prompts import completion_prompt, evaluation_prompt
from llimba.models.translators.own_model import OwnModel, VllmModel, open_own_model
from llimba.recipe import ModelTranslation
from tests.fakes import SENTENCES, save_tiny_model, tiny_model

SARDINIAN = load_language("srd")
SETTINGS = ModelTranslation(engine="model", source_language="it", max_new_tokens=5)


def test_it_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="needs a model"):
        OwnModel(SETTINGS, SARDINIAN, None)


def test_answers_are_one_line_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    save_tiny_model(tmp_path / "model")
    engine = OwnModel(SETTINGS, SARDINIAN, tmp_path)
    assert engine.identity["direction"] == "it-sc"
    assert engine.identity["prompt"] == "Translate from Italian to Sardinian: ..."
    asked: list[str] = []

    def answer(input_ids: torch.Tensor, **settings: object) -> torch.Tensor:
        asked.extend(engine._tokenizer.batch_decode(input_ids, skip_special_tokens=True))
        said = {"il sole": "su sole\nnon custu<|im_end|>", "senza fine": "sena acabbu, sena pasu..."}
        texts = [said[prompt.split(": ")[1].split("\n")[0]] for prompt in asked]
        given = [engine._tokenizer(text)["input_ids"][:24] for text in texts]
        rows = [ids + [engine._tokenizer.pad_token_id] * (24 - len(ids)) for ids in given]
        return torch.cat([input_ids, torch.tensor(rows)], dim=1)

    monkeypatch.setattr(engine._model, "generate", answer)
    made = engine.translate(["il sole", "senza fine"])
    assert [translation.text for translation in made] == ["su sole", ""]
    assert any("Translate from Italian to Sardinian: il sole" in prompt for prompt in asked)


@pytest.mark.parametrize("prompt", ["chat", "completion"])
def test_a_real_models_answers_are_its_own_up_to_their_line(tmp_path: Path, prompt: str) -> None:
    import torch

    save_tiny_model(tmp_path / "model")
    tiny_model(initializer_range=0.4).save_pretrained(tmp_path / "model")  # wide weights: it says many things
    asked = SETTINGS.model_copy(update={"prompt": prompt, "batch_size": 1, "max_new_tokens": 40})
    engine = OwnModel(asked, SARDINIAN, tmp_path)
    sentences = SENTENCES["it"]
    expected = []
    for sentence in sentences:
        text = evaluation_prompt if prompt == "chat" else completion_prompt
        given = text(SARDINIAN, "it-sc", sentence)
        if prompt == "chat":
            given = f"<|im_start|>user\n{given}<|im_end|>\n<|im_start|>assistant\n"
        ids = torch.tensor([engine._tokenizer(given)["input_ids"]])
        made = engine._model.generate(ids, max_new_tokens=40, do_sample=False)[0, ids.shape[1] :]
        said = engine._tokenizer.decode(made, skip_special_tokens=True).lstrip()
        whole = made[-1] in (256, 258) or "\n" in said
        expected.append(said.split("\n")[0].strip() if whole else "")
    assert any(expected) and not all(expected)
    assert [made.text for made in engine.translate(sentences)] == expected


def test_a_call_with_many_sentences_is_cut_into_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "model")
    engine, sizes = OwnModel(SETTINGS.model_copy(update={"batch_size": 2}), SARDINIAN, tmp_path), list[int]()
    generate = engine._model.generate

    def counted(**given: Any) -> Any:
        sizes.append(len(given["input_ids"]))
        return generate(**given)

    monkeypatch.setattr(engine._model, "generate", counted)
    assert len(engine.translate(["uno", "due e tre", "bator"])) == 3
    assert sizes == [2, 1]


def test_it_goes_out_of_the_language_too_and_by_the_completion_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    save_tiny_model(tmp_path / "model")
    asked = SETTINGS.model_copy(update={"source_language": "sc", "target_language": "en", "prompt": "completion"})
    engine = OwnModel(asked, SARDINIAN, tmp_path)
    assert engine.identity["direction"] == "sc-en"
    assert engine.identity["prompt"] == "Sardinian: ...\nEnglish:"

    def answer(input_ids: torch.Tensor, **settings: Any) -> torch.Tensor:
        assert settings["stop_strings"] == ["\n"]
        endless = ["acabbu" in prompt for prompt in engine._tokenizer.batch_decode(input_ids)]
        texts = [" without any end at all" if one else " the sun\nSardinian: sa luna" for one in endless]
        rows = torch.tensor([engine._tokenizer(text)["input_ids"][:20] for text in texts])
        return torch.cat([input_ids, rows], dim=1)

    monkeypatch.setattr(engine._model, "generate", answer)
    assert [made.text for made in engine.translate(["su sole", "sena acabbu"])] == ["the sun", ""]


def test_vllm_answers_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny_model(tmp_path / "model")
    with pytest.raises(Unavailable, match="pip install vllm"):
        open_own_model(SETTINGS.model_copy(update={"backend": "vllm"}), SARDINIAN, tmp_path)
    seen: dict[str, Any] = {}

    class LLM:
        def __init__(self, **given: Any) -> None:
            seen.update(given)

        def generate(self, prompts: list[Any], sampling: Any, use_tqdm: bool) -> list[Any]:
            seen["prompts"], seen["sampling"] = prompts, sampling
            first = SimpleNamespace(text=" su sole\nnon custu", finish_reason="stop")
            second = SimpleNamespace(text="sena acabbu", finish_reason="length")
            return [SimpleNamespace(outputs=[first]), SimpleNamespace(outputs=[second])]

    fake = ModuleType("vllm")
    fake.LLM, fake.SamplingParams = LLM, lambda **given: given  # type: ignore[attr-defined]
    fake.__spec__ = SimpleNamespace(name="vllm")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert isinstance(
        open_own_model(SETTINGS, SARDINIAN, tmp_path), OwnModel
    )  # without a GPU only where it is asked for
    engine = open_own_model(SETTINGS.model_copy(update={"backend": "vllm"}), SARDINIAN, tmp_path)
    assert isinstance(engine, VllmModel)
    assert engine.identity["backend"] == "vllm"
    assert [made.text for made in engine.translate(["il sole", "senza fine"])] == ["su sole", ""]
    assert seen["sampling"]["temperature"] == 0
    assert 258 in seen["sampling"]["stop_token_ids"]
    asked = engine._tokenizer.decode(seen["prompts"][0]["prompt_token_ids"])
    assert "Translate from Italian to Sardinian: il sole<|im_end|>" in asked
