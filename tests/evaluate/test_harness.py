"""The harness's model, with a note of which answers ended: against direct computation and planted answers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from llimba.evaluate import harness
from llimba.evaluate.tasks import write_tasks
from llimba.language import load_language
from llimba.recipe import EvaluateSection, Tokens
from llimba.records import Document
from tests.fakes import SENTENCES, save_tiny_model

SETTINGS = EvaluateSection(precision="fp32", batch_size=2, max_new_tokens=6)


@pytest.fixture
def model(tmp_path: Path) -> Any:
    return harness.load(save_tiny_model(tmp_path / "m"), Tokens(), SETTINGS)


def test_log_likelihood_equals_direct_computation(tmp_path: Path, model: Any) -> None:
    documents = [
        Document(id=str(i), text=text, language="sc", source="s", license="x", provenance="p")
        for i, text in enumerate(SENTENCES["sc"][:3])
    ]
    write_tasks(tmp_path / "t", {}, {"sc": documents}, load_language("srd"), 6)
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
    rows = [{"id": i, "source": "s", "it": SENTENCES["it"][i], "sc": SENTENCES["sc"][i]} for i in range(5)]
    write_tasks(tmp_path / "t", {"it-sc": rows}, {}, load_language("srd"), 6)

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
    assert ended == {i: "sole" not in rows[i]["it"] for i in range(5)}
    assert {sample["filtered_resps"][0] for sample in samples} == {"no"}  # the first line alone counts
    assert "<|im_start|>assistant" in samples[0]["arguments"][0][0]


def test_precision_is_said_with_its_reason() -> None:
    assert harness.choose_precision("fp32") == ("fp32", "set in the recipe")
    assert harness.choose_precision("auto")[0] in ("bf16", "fp32")
