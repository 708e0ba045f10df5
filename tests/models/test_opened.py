"""What lies beside the weights is used; folders that would run code are refused."""

import json
from pathlib import Path

import pytest

from llimba.errors import LlimbaError, StageError
from llimba.languages.identify.identifier import Identifier
from llimba.models.encoding import PromptTooLong
from llimba.models.opened import open_model
from tests.fakes import SENTENCES
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
        found.prompt(messages, 4000)


def test_no_model_folder_and_remote_code_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="is no model folder"):
        open_model(tmp_path)
    model = folder(tmp_path)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(StageError, match="runs no remote code"):
        open_model(model)
