"""What lies beside the weights is used; folders that would run code are refused."""

import json
from pathlib import Path

import pytest
import torch

from llimba.errors import LlimbaError, StageError
from llimba.languages.identify.identifier import Identifier
from llimba.models.encoding import PromptTooLong
from llimba.models.loading import load_model, open_model
from llimba.recipe import Tokens
from tests import ROOT
from tests.fakes import SENTENCES, save_tiny_model
from tests.use.models import folder, opened


def test_profile_and_identifier_are_found(tmp_path: Path) -> None:
    model = folder(tmp_path)
    texts = {code: [f"{line} {i}" for line in SENTENCES[code] for i in range(6)] for code in ("sc", "it", "es")}
    Identifier.train(texts, "sc", 1).save(model / "identifier.safetensors")
    found = open_model(model)
    assert found.language is not None
    assert found.language.code == "sc"
    assert found.language_of("Su sole essit dae su mare cada mangianu.") == "sc"
    assert (found.name_of("sc"), found.name_of("sc", "sc"), found.name_of("xx")) == ("Sardinian", "sardu", "xx")
    assert found.context == 2048
    assert opened(tmp_path, identifier=None).language_of("Su sole") is None


def test_a_prompt_leaves_room_for_its_answer(tmp_path: Path) -> None:
    found = opened(tmp_path)
    messages = [{"role": "user", "content": "a" * 1500}]
    assert len(found.prompt(messages, 100)) > 1500
    with pytest.raises(PromptTooLong):
        found.prompt(messages, 1000)
    with pytest.raises(LlimbaError, match="do not fit a context of 2048"):
        found.prompt(messages, 2048)


def test_no_model_folder_and_remote_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="is no model folder"):
        open_model(tmp_path)
    model = folder(tmp_path)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(StageError, match="runs no remote code"):
        open_model(model)


def test_a_model_is_ready_to_answer_with_its_contract_applied(tmp_path: Path) -> None:
    found = load_model(save_tiny_model(tmp_path), Tokens(separator="<|im_start|>"), torch.float32)
    assert (found.model.dtype, found.model.training, found.context) == (torch.float32, False, 2048)
    assert found.model.generation_config.eos_token_id == found.contract.stop_ids == [258, 257]
    assert (found.language, found.identifier) == (None, None)


@pytest.mark.parametrize(("avx512", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_the_dtype_is_what_the_machine_multiplies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, avx512: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr("llimba.models.device.cpu_has_bf16", lambda: avx512)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert load_model(save_tiny_model(tmp_path)).model.dtype == dtype


def test_a_base_model_without_a_template_is_loaded_but_not_talked_to(tmp_path: Path) -> None:
    model = save_tiny_model(tmp_path)
    (model / "chat_template.jinja").unlink()
    assert load_model(model).tokenizer.chat_template is None
    with pytest.raises(StageError, match="has no chat template"):
        open_model(model)


def test_models_are_loaded_in_one_place() -> None:
    source = ROOT / "src" / "llimba"
    loading = {path.relative_to(source).as_posix() for path in source.rglob("*.py")
               if "AutoModelForCausalLM.from_pretrained(" in path.read_text()}  # fmt: skip
    # training has its own; the others read GGUF files
    assert loading == {"models/loading.py", "training/model.py", "models/base_model.py", "use/export/gguf.py"}
