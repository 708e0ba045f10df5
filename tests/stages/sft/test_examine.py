"""Before anything trains: what is settled about tokens and template is said, what cannot be is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.pipeline import runner
from llimba.records import Conversation, write_records
from llimba.stages.sft.examine import examine
from tests.fakes import recipe, recipe_content, save_tiny_model, tiny_model, write_text
from tests.tokenizer_kinds import GEMMA, kind_tokenizer


def save_base(folder: Path, name: str, template: str | None = None) -> None:
    tokenizer = kind_tokenizer(name, template)
    tiny_model(vocab_size=len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def conversation(*roles: str) -> Conversation:
    messages = [{"role": role, "content": f"{role} {place}"} for place, role in enumerate(roles)]
    return Conversation(id="talk:7", source="talk", license="x", provenance="p", messages=messages)


def examined(tmp_path: Path, *found: Conversation, stage: str = "instruct") -> list[str]:
    folders = {name: tmp_path / name for name in ("corpus", "instruct", "cpt", "sft")}
    if found:
        write_records(folders[stage] / "conversations.jsonl", found)
    return examine(recipe(tmp_path), folders, fetch=False)


def test_what_is_settled_is_said_with_its_reason(tmp_path: Path) -> None:
    save_base(tmp_path / "base", "Gemma")
    (tmp_path / "base" / "generation_config.json").write_text(json.dumps({"do_sample": True, "top_k": 64}))
    said = examined(tmp_path, conversation("system", "user", "assistant"))
    assert len(said) == 3
    assert "the chat template's; the tokenizer says '<eos>'" in said[0] and "begins a text with it" in said[0]
    assert "its text goes into the first user turn" in said[1]
    assert said[2].endswith("are not used: do_sample True, top_k 64")
    save_base(tmp_path / "base", "Qwen3")
    several = conversation("user", "assistant", "user", "assistant")
    assert "1 conversations become one example an answer" in examined(tmp_path, several)[-1]
    assert any("trained and asked without thoughts" in line for line in examined(tmp_path))


@pytest.mark.parametrize("stage", ["instruct", "corpus"])
def test_a_conversation_that_the_template_refuses_is_named(tmp_path: Path, stage: str) -> None:
    save_base(tmp_path / "base", "Gemma")
    with pytest.raises(StageError, match=r"conversation talk:7: the chat template refuses .*must alternate"):
        examined(tmp_path, conversation("user", "assistant", "assistant"), stage=stage)


def test_a_base_without_a_template_or_with_one_that_fails_is_refused(tmp_path: Path) -> None:
    assert examined(tmp_path) == [], "the base model is not here yet"
    save_base(tmp_path / "base", "Gemma", GEMMA.replace("{{ bos_token }}", "{{ raise_exception('no') }}"))
    with pytest.raises(StageError, match="base_model: the chat template refuses the conversation: no"):
        examined(tmp_path)
    (tmp_path / "base" / "chat_template.jinja").unlink()
    with pytest.raises(StageError, match="has no chat template, which sft needs"):
        examined(tmp_path)


def test_a_run_is_refused_before_cpt_and_a_plan_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path)
    save_base(tmp_path / "base", "Gemma", GEMMA.replace("'<end_of_turn>\\n'", "'\\n'"))
    loaded = recipe(tmp_path, instruct={**recipe_content(tmp_path)["instruct"]})
    for ask in (runner.examined, runner.run):
        with pytest.raises(StageError, match=r"Set base_model\.tokens\.eos"):
            ask(loaded, tmp_path / "runs")
    states: dict[str, Any] = {step.stage.name: step.state for step in runner.plan(loaded, tmp_path / "runs")}
    assert (states["instruct"], states["cpt"]) == ("done", "missing")
    save_tiny_model(tmp_path / "base")
    assert runner.examined(loaded, tmp_path / "runs")[0].startswith("separator '<|endoftext|>'")
