"""The recipe's own model translates by answering its prompt; an answer that does not stop counts for nothing."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.language import load_language
from llimba.recipe import ModelTranslation
from llimba.translators.own_model import OwnModel
from tests.fakes import save_tiny_model

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
        texts = ["su sole\nnon custu<|im_end|>", "sena acabbu, sena pasu..."]
        given = [engine._tokenizer(text)["input_ids"][:24] for text in texts]
        rows = [ids + [engine._tokenizer.pad_token_id] * (24 - len(ids)) for ids in given]
        return torch.cat([input_ids, torch.tensor(rows)], dim=1)

    monkeypatch.setattr(engine._model, "generate", answer)
    made = engine.translate(["il sole", "senza fine"])
    assert [translation.text for translation in made] == ["su sole", ""]
    assert "Translate from Italian to Sardinian: il sole" in asked[0]


def test_a_real_model_answers_something(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "model")
    made = OwnModel(SETTINGS, SARDINIAN, tmp_path).translate(["uno", "due e tre"])
    assert len(made) == 2
