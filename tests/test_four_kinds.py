"""From text to table and chat on each kind of base model: BOS, ends of turns, system messages, spaces, thoughts."""

import json
from pathlib import Path
from typing import Any

import pytest

from llimba.manifest import read_manifest
from llimba.models.loading import open_model
from llimba.pipeline import runner
from llimba.reports.evaluated import EvaluatedFolder
from llimba.use.chat import Chat
from tests import architectures
from tests.fakes import recipe, recipe_content, write_text
from tests.tokenizer_kinds import KINDS, kind_tokenizer

TALK = [
    {"messages": [{"role": "system", "content": "Faedda in sardu."}, {"role": "user", "content": "Salude"},
                  {"role": "assistant", "content": "sole"}, {"role": "user", "content": "E tue?"},
                  {"role": "assistant", "content": "Bene, gràtzias."}]},
    {"conversations": [{"from": "gpt", "value": "Ite boles?"}, {"from": "human", "value": "Pane"},
                       {"from": "gpt", "value": "Eja."}]},
]  # fmt: skip


def save_base(folder: Path, name: str) -> None:
    """A tiny random model of the kind's family, which ships a repetition penalty, with the kind's tokenizer."""
    kind, tokenizer = KINDS[name], kind_tokenizer(name)
    family = next(family for family in architectures.FAMILIES if family.name == kind.model)
    model = architectures.build(family, vocab_size=len(tokenizer), num_hidden_layers=2, layer_types=None)
    model.generation_config.repetition_penalty = 1.3
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.mark.parametrize("name", KINDS)
def test_a_run_reaches_a_table_and_the_model_can_be_talked_to(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    write_text(tmp_path)
    save_base(tmp_path / "base", name)
    (tmp_path / "talk.jsonl").write_text("\n".join(map(json.dumps, TALK)))
    content = recipe_content(tmp_path)
    talk = {"kind": "local", "license": "CC0-1.0", "yields": "conversations", "path": str(tmp_path / "talk.jsonl")}
    loaded = recipe(
        tmp_path,
        sources={**content["sources"], "talk": talk},
        cpt={**content["cpt"], "max_steps": 1, "num_samples": 1},
        sft={**content["sft"], "max_steps": 1, "method": "lora" if name == "Mistral" else "full"},
        evaluate={**content["evaluate"], "max_new_tokens": 2},
    )
    steps = {step.stage.name: step for step in runner.run(loaded, tmp_path / "runs")}
    assert {step.state for step in steps.values()} == {"done"}
    facts = {name: facts_of(step) for name, step in steps.items()}
    assert facts["sources"]["sources"]["talk"]["trimmed"] == {"assistant before the first user": 1}
    assert facts["cpt"]["base_generation"] == {"repetition_penalty": 1.3}
    assert facts["sft"]["system_in_first_turn"] == (name in ("Gemma", "Mistral"))
    assert facts["sft"]["one_example_an_answer"] == (name in ("Mistral", "Qwen3"))
    scores = EvaluatedFolder(steps["evaluate"].folder).scores()
    assert all(scores.systems["sft"].translation[direction].score("chrf") for direction in ("it-sc", "sc-it"))
    assert "repetition_penalty 1.3" in (steps["publish"].folder / "model" / "README.md").read_text()

    opened = open_model(steps["publish"].folder / "model")
    assert opened.contract.eos == opened.tokenizer.eos_token == kind.end
    assert set(opened.model.generation_config.eos_token_id) == {
        opened.tokenizer.convert_tokens_to_ids(token) for token in (kind.end, kind.eos)
    }
    assert opened.model.generation_config.repetition_penalty is None
    asked = [{"role": "system", "content": "Faedda."}, {"role": "user", "content": "Ite?"}]
    assert opened.prompt(asked, 4) == opened.tokenizer(
        opened.tokenizer.apply_chat_template(
            asked if name in ("Llama 3", "Qwen3") else [{"role": "user", "content": "Faedda.\n\nIte?"}],
            tokenize=False, add_generation_prompt=True,
        ), add_special_tokens=False)["input_ids"]  # fmt: skip
    chat = Chat(opened, system="Faedda in sardu.", max_new_tokens=3)
    assert isinstance("".join(chat.answer("Salude")), str)


def facts_of(step: Any) -> dict[str, Any]:
    """What the stage says of itself."""
    manifest = read_manifest(step.folder)
    assert manifest is not None
    return manifest.facts
