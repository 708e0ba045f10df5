"""The harness's model, with a note of which answers ended: against direct computation and planted answers."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from llimba.errors import StageError
from llimba.languages.profile import load_language
from llimba.models.device import inference_precision
from llimba.recipe import EvaluateSection, Tokens
from llimba.records import Document
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.tasks import write_tasks
from tests.fakes import SENTENCES, evaluation_pairs, save_tiny_model, tiny_model
from tests.tokenizer_kinds import kind_tokenizer

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


@pytest.fixture
def beginning(tmp_path: Path) -> Any:
    """A model whose tokenizer and template both write BOS."""
    tokenizer = kind_tokenizer("Gemma")
    tiny_model(vocab_size=len(tokenizer)).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    return harness.load(tmp_path / "m", Tokens(), SETTINGS)


def asked_with(model: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: EvaluateSection) -> list[list[int]]:
    """The token ids that the model is asked with."""
    shown = {"it-sc": evaluation_pairs([9])} if settings.num_fewshot else {}
    write_tasks(folder, {"it-sc": evaluation_pairs(range(3))}, {}, load_language("srd"), settings, shown)
    seen = []

    def generate(input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> torch.Tensor:
        seen.extend(row[mask.bool()].tolist() for row, mask in zip(input_ids, attention_mask, strict=True))
        return torch.cat([input_ids, torch.full((len(input_ids), 1), model.tokenizer.eos_token_id)], dim=1)

    monkeypatch.setattr(model.model, "generate", generate)
    harness.run_tasks(model, folder, ["llimba_it_sc"], chat=settings.prompt == "chat", batch_size=2, title="t")
    return seen


@pytest.mark.parametrize("form", ["chat", "completion"])
def test_prompts_begin_with_one_bos(tmp_path: Path, beginning: Any, monkeypatch: Any, form: Any) -> None:
    settings = EvaluateSection(precision="fp32", prompt=form, num_fewshot=int(form == "completion"), max_new_tokens=6)
    seen = asked_with(beginning, tmp_path / "t", monkeypatch, settings)
    bos = beginning.tokenizer.bos_token_id
    assert len(seen) == 3
    assert all(ids[0] == bos and ids.count(bos) == 1 for ids in seen)


def test_other_tokens_than_ours_stop_before_the_first_answer(
    tmp_path: Path, beginning: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = type(beginning).tok_batch_encode

    def twice(self: Any, *args: Any, **kwargs: Any) -> Any:
        ids, mask = encode(self, *args, **kwargs)
        return tuple(torch.cat([part[:, :1], part], dim=1) for part in (ids, mask))

    monkeypatch.setattr(type(beginning), "tok_batch_encode", twice)
    settings = EvaluateSection(precision="fp32", max_new_tokens=6, batch_size=1)
    with pytest.raises(StageError, match="the harness asks with other tokens than llimba trains"):
        asked_with(beginning, tmp_path / "t", monkeypatch, settings)


def test_a_prompt_that_leaves_no_room_is_refused(tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_max_length", 40)
    with pytest.raises(StageError, match="a prompt of .* do not fit a window of 40"):
        asked_with(model, tmp_path / "t", monkeypatch, SETTINGS)


@pytest.mark.parametrize("window", [2048, 7])
def test_every_window_of_a_text_is_scored_after_bos(
    tmp_path: Path, beginning: Any, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(harness, "WINDOW", window)
    monkeypatch.setattr(beginning, "_max_length", window)
    text = SENTENCES["sc"][0]
    document = Document(id="0", text=text, language="sc", source="s", license="x", provenance="p")
    write_tasks(tmp_path / "t", {}, {"sc": [document]}, load_language("srd"), SETTINGS, {})
    (samples,) = harness.run_tasks(
        beginning, tmp_path / "t", ["llimba_text_sc"], chat=False, batch_size=2, title="t"
    ).values()
    ids, bos = beginning.tokenizer(text, add_special_tokens=False)["input_ids"], beginning.tokenizer.bos_token_id
    assert len(ids) > 7
    expected = 0.0
    for start in range(0, len(ids), window):
        before = [bos, *([ids[start - 1]] if start else [])]
        part = torch.tensor([[*before, *ids[start : start + window]]])
        with torch.no_grad():
            logits = beginning.model(part).logits[0, len(before) - 1 : -1].float()
        expected -= F.cross_entropy(logits, part[0, len(before) :], reduction="sum").item()
    assert math.isclose(float(samples[0]["filtered_resps"][0]), expected, rel_tol=1e-4)
