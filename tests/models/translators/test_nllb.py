"""NLLB through transformers, on a random model of the same kind."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, PreTrainedTokenizerFast

from llimba.errors import StageError
from llimba.files import sha256
from llimba.languages.profile import load_language
from llimba.models.translators import nllb
from llimba.models.translators.nllb import open_nllb
from llimba.recipe import NllbTranslation

SARDINIAN = load_language("srd")


def save_model(folder: Path) -> Path:
    """A word-level tokenizer with two language codes, and a model of two layers."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<s>", "<pad>", "</s>", "<unk>", "eng_Latn", "srd_Latn", "the", "sun", "su", "sole"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=["eng_Latn", "srd_Latn"],
    )  # fmt: skip
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=10, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=64,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def settings(folder: Path, **changes: Any) -> NllbTranslation:
    given = {"source_code": "eng_Latn", "num_beams": 1, "max_new_tokens": 4, **changes}
    return NllbTranslation(engine="nllb", source_language="en", folder=folder, **given)


def test_the_target_is_the_profiles_and_an_unfinished_answer_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_nllb(settings(save_model(tmp_path), revision="r1"), SARDINIAN)
    assert isinstance(engine, nllb.Nllb)
    assert engine.identity == {
        "engine": "nllb", "model": sha256(tmp_path), "revision": "r1", "direction": ["eng_Latn", "srd_Latn"],
        "num_beams": 1, "max_new_tokens": 4,
    }  # fmt: skip
    asked: dict[str, Any] = {}

    def generate(**given: Any) -> torch.Tensor:
        asked.update(given)
        return torch.tensor([[2, 5, 8, 9, 2], [2, 5, 9, 9, 9]])

    monkeypatch.setattr(engine._model, "generate", generate)
    made = engine.translate(["the sun", "sun sun sun"])
    assert [translation.text for translation in made] == ["su sole", ""]
    assert asked["forced_bos_token_id"] == 5
    assert engine._tokenizer.src_lang == "eng_Latn"


def test_a_real_model_translates_and_unknown_codes_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path)
    assert len(open_nllb(settings(tmp_path), SARDINIAN).translate(["the sun", "sun"])) == 2
    with pytest.raises(StageError, match="no language code 'eng'"):
        open_nllb(settings(tmp_path, source_code="eng"), SARDINIAN)


def test_a_converted_folder_is_translated_by_ctranslate2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Translator:
        def __init__(self, folder: str, **_: Any) -> None:
            asked["folder"] = folder

        def translate_batch(self, tokens: list[list[str]], **given: Any) -> list[Any]:
            asked.update(given, tokens=tokens)
            return [SimpleNamespace(hypotheses=[["srd_Latn", "su", "sole"]]) for _ in tokens]

    fake = ModuleType("ctranslate2")
    fake.Translator = Translator  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ctranslate2", fake)
    (save_model(tmp_path) / "model.bin").touch()
    engine = open_nllb(settings(tmp_path), SARDINIAN)
    assert [made.text for made in engine.translate(["the sun", "sun"])] == ["su sole", "su sole"]
    assert asked["folder"] == str(tmp_path)
    assert asked["tokens"] == [["the", "sun"], ["sun"]]
    assert asked["target_prefix"] == [["srd_Latn"], ["srd_Latn"]]
    assert (asked["beam_size"], asked["max_decoding_length"]) == (1, 4)
    assert engine.identity["engine"] == "nllb-ctranslate2"


def test_a_converted_folder_asks_for_ctranslate2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    (save_model(tmp_path) / "model.bin").touch()
    with pytest.raises(StageError, match="pip install ctranslate2"):
        open_nllb(settings(tmp_path), SARDINIAN)


def test_flores_names_of_languages() -> None:
    names = [nllb.flores_code(code, SARDINIAN) for code in ("sc", "en", "it", "es", "ca", "el")]
    assert names == ["srd_Latn", "eng_Latn", "ita_Latn", "spa_Latn", "cat_Latn", "ell_Grek"]
