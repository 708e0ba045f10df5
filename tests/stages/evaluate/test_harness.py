"""The harness's model, with a note of which answers ended: against direct computation and planted answers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from llimba.languages.profile import load_language
from llimba.models.device import inference_precision
from llimba.recipe import EvaluateSection, Tokens
from llimba.records import Document
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.tasks import write_tasks
from tests.fakes import SENTENCES, evaluation_pairs, save_tiny_model

SETTINGS = EvaluateSection(precision="fp32", batch_size=2, max_new_tokens=6)


@pytest.fixture
def model(tmp_path: Path) -> Any:
    return harness.load(save_tiny_model(tmp_path / "m"), Tokens(), SETTINGS)


def test_log_likelihood_equals_direct_computation(tmp_path: Path, model: Any) -> None:
    documents = [
        Document(id=str(i), text=text, language="sc", source="s", license="x", provenance="p")
        for i, text in enumerate(SENTENCES["sc"][:3])
    ]
    write_tasks(tmp_path / "t", {}, {"sc": documents}, load_language("srd"), SETTINGS, {})
    samples = harness.run_tasks(model, tmp_path / "t", ["llimba_text_sc"], chat=False, batch_size=2, title="t")[
        "llimba_text_sc"
    ]
    assert not (tmp_path / "t" / ".cache").exists()
    for document, sample in zip(documents, samples, strict=True):
        ids = torch.tensor([[256, *model.tokenizer(document.text)["input_ids"]]])  # scored after a document's end
        with torch.no_grad():
            logits = model.model(ids).logits[0, :-1].float()
        expected = -F.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
        assert math.isclose(float(sample["filtered_resps"][0]), expected, rel_tol=1e-4)


def test_which_answers_ended_is_told_per_prompt(tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = evaluation_pairs(range(5))
    write_tasks(tmp_path / "t", {"it-sc": rows}, {}, load_language("srd"), SETTINGS, {})

    def generate(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        """Answers "no\nA" and ends, but for prompts that speak of the sun: those run on."""
        answers = []
        for row in input_ids:
            sun = "sole" in model.tokenizer.decode(row)
            words = model.tokenizer("no\nA" if not sun else "no\nABC")["input_ids"]
            answers.append(torch.tensor([*row.tolist(), *words, *([258, 259] if not sun else [])]))
        return torch.stack(answers)

    monkeypatch.setattr(model.model, "generate", generate)
    samples = harness.run_tasks(model, tmp_path / "t", ["llimba_it_sc"], chat=True, batch_size=2, title="t")[
        "llimba_it_sc"
    ]
    ended = {sample["doc"]["id"]: model.stopped(sample["arguments"][0][0]) for sample in samples}
    assert ended == {row.id: "sole" not in row.texts["it"] for row in rows}
    assert {sample["filtered_resps"][0] for sample in samples} == {"no"}  # the first line alone counts
    assert "<|im_start|>assistant" in samples[0]["arguments"][0][0]


def test_precision_is_said_with_its_reason() -> None:
    assert harness.choose_precision("fp32") == ("fp32", "set in the recipe")
    assert harness.choose_precision("auto") == inference_precision()


def test_the_batch_is_chosen_by_the_card_and_not_by_what_is_free(model: Any) -> None:
    config = model.model.config
    assert harness.choose_batch_size(3, config, 100, None) == (3, "set in the recipe")
    assert harness.choose_batch_size(None, config, 100, None)[0] == 16
    small, _ = harness.choose_batch_size(None, config, 1000, 2**20)
    large, _ = harness.choose_batch_size(None, config, 1000, 2**30)
    assert 1 <= small < large <= 256
    assert harness.choose_batch_size(None, config, 10**9, 2**20)[0] == 1


def test_a_completion_stops_at_its_line(tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = evaluation_pairs(range(2))
    settings = EvaluateSection(precision="fp32", prompt="completion", num_fewshot=1, max_new_tokens=6)
    shown = {"it-sc": evaluation_pairs([9])}
    write_tasks(tmp_path / "t", {"it-sc": rows}, {}, load_language("srd"), settings, shown)

    def generate(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        sun = "sole" in model.tokenizer.decode(input_ids[0])
        words = model.tokenizer(" eja\nIt" if not sun else " eja eja")["input_ids"]
        return torch.tensor([[*input_ids[0].tolist(), *words]])

    monkeypatch.setattr(model.model, "generate", generate)
    (samples,) = harness.run_tasks(
        model, tmp_path / "t", ["llimba_it_sc"], chat=False, batch_size=1, title="t"
    ).values()
    prompt = samples[0]["arguments"][0][0]
    first = f"Italian: {SENTENCES['it'][9]}\nSardinian: {SENTENCES['sc'][9]}\n\n"
    assert prompt == f"{first}Italian: {samples[0]['doc']['texts']['it']}\nSardinian:"
    assert {s["doc"]["id"]: model.stopped(s["arguments"][0][0]) for s in samples} == {"0": False, "1": True}
    assert {s["filtered_resps"][0].strip() for s in samples} == {"eja", "eja eja"}
