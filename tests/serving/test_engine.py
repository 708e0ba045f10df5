"""Which engine is started, and what is said where it cannot be."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from llimba.errors import LlimbaError
from llimba.serving import engine
from llimba.serving.engine import Engine, choose


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LlimbaError, match="there is no engine ollama"):
        choose("ollama")
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(LlimbaError, match="vllm is not installed"):
        choose("vllm")
    with pytest.raises(LlimbaError, match=r"fastapi, uvicorn, openai, aiohttp is missing.*llimba\[serve\]"):
        choose("auto")


def test_vllm_is_preferred_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: object())
    assert choose("auto") == "vllm"
    assert choose("transformers") == "transformers"


@pytest.mark.skipif(not find_spec("fastapi"), reason="needs llimba[serve]")
def test_an_engine_that_ends_says_why(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "none such"}')
    running = Engine("transformers", tmp_path)
    with (
        pytest.raises(LlimbaError, match=r"ended while it loaded the model. It said last:\n[\s\S]*ValueError"),
        running,
    ):
        pass
    assert not running.alive
