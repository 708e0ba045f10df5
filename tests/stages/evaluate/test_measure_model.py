"""Known answers through the whole path: what a stub model says is what the scores and shares say."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llimba.files import read_jsonl
from llimba.languages.identify.identifier import Identifier
from llimba.models.generate import Answer
from llimba.recipe.resolved import Resolved
from llimba.records import Document, Pair
from llimba.reports.evaluated import EvaluatedFolder, read_answers
from llimba.stages.evaluate import harness, measure_model
from llimba.stages.evaluate.baselines import copy_scores
from llimba.stages.evaluate.facts import Fact
from llimba.stages.evaluate.instructions import Instruction
from llimba.stages.evaluate.measure_model import Asked
from llimba.stages.evaluate.tasks import write_questions, write_references, write_tasks
from tests.fakes import evaluation_pairs, pair, recipe, save_tiny_model, write_text
from tests.languages.identify.test_identifier import lines

ENDED, PAD = 258, 259  # <|im_end|> and <|pad|> of the tiny tokenizer
ROWS = [pair(n, it=it, sc=sc) for n, (it, sc) in enumerate(zip(lines("it", 200, 5), lines("sc", 200, 5), strict=True))]


def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Callable[[Pair], str], **asked: Any) -> Any:
    """Scores of a stub that answers each row of `ROWS` with `say(row)`; an answer that ends in … does not stop."""
    tmp_path.mkdir(exist_ok=True)
    write_text(tmp_path)
    loaded = recipe(tmp_path, evaluate={"directions": ["it-sc"], "max_new_tokens": 200, "precision": "fp32"})
    out = tmp_path / "out"
    write_tasks(out / "tasks", {"it-sc": ROWS}, {}, loaded.profile, loaded.evaluate, {})
    loading = harness.load

    def load(*given: Any) -> Any:
        model = loading(*given)

        def generate(input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
            prompts = [model.tokenizer.decode(row) for row in input_ids]
            answers = [say(next(r for r in ROWS if f": {r.texts['it']}<|im_end|>" in prompt)) for prompt in prompts]
            ids = [model.tokenizer(a.removesuffix("…"))["input_ids"] + [ENDED] * (a[-1:] != "…") for a in answers]
            longest = max(map(len, ids))
            filled = [[*row.tolist(), *i, *[PAD] * (longest - len(i))] for row, i in zip(input_ids, ids, strict=True)]
            return torch.tensor(filled)

        monkeypatch.setattr(model.model, "generate", generate)
        return model

    monkeypatch.setattr(harness, "load", load)
    rows = Asked({"it-sc": ROWS}, {}, [], [], {}, asked.get("identifier"))
    model = save_tiny_model(tmp_path / "m")
    return measure_model.measure_model(loaded, "stub", model, rows, out / "tasks", out), EvaluatedFolder(out)


def test_references_give_100_sources_the_copy_score_and_shuffled_ones_next_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perfect, _ = scored(tmp_path / "a", monkeypatch, lambda row: row.texts["sc"])
    entry = perfect.translation["it-sc"]
    assert (entry.bleu.value, entry.chrf.value) == (100, 100)
    monkeypatch.undo()
    copied, folder = scored(tmp_path / "b", monkeypatch, lambda row: row.texts["it"])
    assert copied.translation["it-sc"] == copy_scores({"it-sc": ROWS}, folder).translation["it-sc"]
    assert copied.behaviour.all["copy"].share == 1
    monkeypatch.undo()
    other = random.Random(1).sample(ROWS, len(ROWS))
    shuffled, _ = scored(tmp_path / "c", monkeypatch, lambda row: other[int(row.id)].texts["sc"])
    assert shuffled.translation["it-sc"].bleu.value < 8  # few words in all, so some stand side by side by chance


def test_planted_failures_are_found_at_their_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Italian in 30 % of the answers, Cyrillic in 5 %, no end in 10 %: each lies within its interval."""
    identifier = Identifier.train({code: lines(code, 300, 1) for code in ("sc", "it", "es")}, "sc", 1)
    italian = lines("it", 200, 9)

    def say(row: Pair) -> str:
        n = int(row.id)
        text = italian[n] if n % 10 in (0, 3, 6) else row.texts["sc"]
        text = f"{text} привет" if n % 20 == 1 else text
        return f"{text}…" if n % 10 == 9 else text

    found, folder = scored(tmp_path, monkeypatch, say, identifier=identifier)
    shares = found.behaviour.by_direction["it-sc"]
    for kind, planted in (("wrong_language", 0.30), ("other_script", 0.05), ("no_end", 0.10)):
        assert shares[kind].low <= planted <= shares[kind].high, kind
        assert shares[kind].answers == 200
    assert shares["no_end"].share == 0.10 and shares["other_script"].share == 0.05
    assert found.batch_size == Resolved(value=16, reason="a CPU gains nothing from more")
    answers = read_answers(folder.path / "it-sc.jsonl")
    assert [answer.id for answer in answers] == [row.id for row in ROWS]
    assert all(answer.raw and answer.stopped == (int(answer.id) % 10 != 9) for answer in answers)


def test_texts_instructions_and_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path)
    loaded = recipe(tmp_path, evaluate={"languages": ["sc"], "precision": "fp32"})
    texts = [
        Document(id=str(n), text=text, language="sc", source="s", license="x", provenance="p", norm=norm)
        for n, (text, norm) in enumerate(zip(lines("sc", 4, 1), ("is", "is", "sos-sas", ""), strict=True))
    ]
    facts = [
        Fact(id="q", language="sc", question="Cale?", choices=["a", "bb"], answer=0, source="s"),
        Fact(id="c", language="sc", text="Su sole est ___.", choices=["nou", "fritu"], answer=1, source="s"),
    ]
    asked = [Instruction("p", "en", "one_word"), Instruction("q", "en", "capitals")]
    out = tmp_path / "out"
    write_tasks(out / "tasks", {}, {"sc": texts}, loaded.profile, loaded.evaluate, {})
    for name, cloze in ((measure_model.QUESTIONS, False), (measure_model.CLOZE, True)):
        write_questions(out / "tasks", name, measure_model.task_rows(facts, cloze=cloze))
    monkeypatch.setattr(measure_model, "generate", lambda *_, **__: [Answer("pane", True), Answer("pane", False)])
    given = Asked({}, {"sc": texts}, facts, asked, {}, None)
    found = measure_model.measure_model(loaded, "m", save_tiny_model(tmp_path / "model"), given, out / "tasks", out)
    measured = found.bits_per_byte["sc"]
    assert measured.tokens == measured.bytes  # a byte model
    assert set(measured.by) == {"norm"} and set(measured.by["norm"]) == {"is", "sos-sas", "not stated"}
    weighed = sum(entry.value * entry.bytes for entry in measured.by["norm"].values()) / measured.bytes
    assert weighed == pytest.approx(measured.value, abs=1e-3)
    assert (found.instructions.all.share, found.instructions.all.answers) == (0.5, 2)
    assert found.facts.all.accuracy.answers == 2
    saved = list(read_jsonl(out / "facts.jsonl"))
    assert {row["id"] for row in saved} == {"q", "c"}
    assert all(0.5 <= row["confidence"] <= 1 for row in saved)


def test_a_reference_is_scored_after_its_source_and_the_prompt_costs_nothing(tmp_path: Path) -> None:
    """The harness gives what the model says of the reference's tokens after the completion prompt."""
    loaded = recipe(tmp_path, evaluate={"precision": "fp32"})
    rows = evaluation_pairs(range(3))
    out, folder = tmp_path / "out", save_tiny_model(tmp_path / "model")
    write_references(out / "tasks", {"it-sc": rows}, loaded.profile)
    asked = Asked({}, {}, [], [], {}, None, references={"it-sc": rows})
    found = measure_model.measure_model(loaded, "m", folder, asked, out / "tasks", out)

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    nats = 0.0
    for row in rows:
        prompt = tokenizer(f"Italian: {row.texts['it']}\nSardinian:", add_special_tokens=False)["input_ids"]
        ids = torch.tensor([prompt + tokenizer(f" {row.texts['sc']}", add_special_tokens=False)["input_ids"]])
        with torch.no_grad():
            likely = model(ids).logits.log_softmax(-1)[0, len(prompt) - 1 : -1]
        nats -= likely.gather(1, ids[0, len(prompt) :, None]).sum().item()
    size = sum(len(row.texts["sc"].encode()) for row in rows)
    measured = found.translation_bits_per_byte["it-sc"]
    assert measured.value == pytest.approx(nats / size / math.log(2), abs=1e-4)
    assert (measured.documents, measured.bytes) == (3, size)
