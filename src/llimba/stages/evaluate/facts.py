"""What does a model know, and how sure is it when it is wrong? Questions with choices, from a file that the user gives.

A row is {"id", "language", "question", "choices", "answer", "source"}: the model is asked in its chat form and each
choice is weighed as the answer. With "text" in place of "question", and `___` in it, the row is a cloze: each choice is
put into the gap and the text from there on is weighed. `answer` counts from 0; `source` says where the fact stands.
lm-evaluation-harness weighs the choices; here the answers are read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llimba.errors import StageError
from llimba.files import read_jsonl
from llimba.manifest import Json
from llimba.reports.scores import Facts, Knowledge
from llimba.stages.evaluate.behaviour import share

GAP = "___"
CONFIDENT = 0.7  # share of the probability of all choices that one must have for the model to be sure


class Fact(BaseModel):
    """One row of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    language: str
    question: str = ""
    text: str = ""
    choices: list[str] = Field(min_length=2)
    answer: int = Field(ge=0)
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "Fact":
        if bool(self.question) == bool(self.text):
            raise ValueError("give either question, or text with a gap")
        if self.text and self.text.count(GAP) != 1:
            raise ValueError(f"text needs one gap, written {GAP}")
        if self.answer >= len(self.choices):
            raise ValueError(f"answer {self.answer} is none of the {len(self.choices)} choices (they count from 0)")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("two choices are the same")
        return self


def read_facts(path: Path) -> list[Fact]:
    """The questions of a file; a bad row is a `StageError` that says which and why."""
    if not path.exists():
        raise StageError(f"evaluate.facts: there is no file {path}.")
    found: list[Fact] = []
    for number, row in enumerate(read_jsonl(path), 1):
        try:
            found.append(Fact.model_validate(row))
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": ") for fault in error.errors()
            )
            raise StageError(f"evaluate.facts: {path}, row {number}: {said}") from error
    if len({fact.id for fact in found}) < len(found):
        raise StageError(f"evaluate.facts: {path} has two rows of one id.")
    if not found:
        raise StageError(f"evaluate.facts: {path} is empty.")
    return found


def task_rows(facts: Sequence[Fact], *, cloze: bool) -> list[Json]:
    """Rows for the harness: what is asked, and the choices as they continue it."""
    rows = []
    for fact in facts:
        if bool(fact.text) != cloze:
            continue
        before, _, after = fact.text.partition(GAP)
        gap = " " if before.endswith(" ") else ""  # tokenizers want the space on the word
        choices = [f"{gap}{choice}{after}" for choice in fact.choices] if cloze else fact.choices
        prompt = before.rstrip(" ") if cloze else fact.question
        rows.append({"id": fact.id, "prompt": prompt, "choices": choices, "answer": fact.answer})
    return rows


@dataclass(frozen=True, slots=True)
class FactAnswer:
    """What a model chose, a line of `hypotheses/facts.jsonl`."""

    id: str
    language: str
    asked: str
    chosen: str
    right: str
    correct: bool
    confidence: float  # the chosen one's share of the probability of all choices


def answered(fact: Fact, log_likelihoods: Sequence[float]) -> FactAnswer:
    """The likeliest of the choices; `log_likelihoods` in nats, one for each."""
    best = max(log_likelihoods)
    weights = [math.exp(value - best) for value in log_likelihoods]
    chosen = log_likelihoods.index(best)
    return FactAnswer(
        id=fact.id,
        language=fact.language,
        asked=fact.question or fact.text,
        chosen=fact.choices[chosen],
        right=fact.choices[fact.answer],
        correct=chosen == fact.answer,
        confidence=round(max(weights) / sum(weights), 4),
    )


def knowledge(answers: Sequence[FactAnswer], facts: Sequence[Fact]) -> Facts:
    """The share answered rightly, and the share wrong though sure, over all questions and by their language."""
    chance = {fact.id: 1 / len(fact.choices) for fact in facts}

    def of(chosen: Sequence[FactAnswer]) -> Knowledge:
        return Knowledge(
            accuracy=share([answer.correct for answer in chosen]),
            confident_wrong=share([not a.correct and a.confidence >= CONFIDENT for a in chosen]),
            chance=round(sum(chance[answer.id] for answer in chosen) / len(chosen), 4),
        )

    languages = sorted({answer.language for answer in answers})
    return Facts(
        all=of(answers), by_language={code: of([a for a in answers if a.language == code]) for code in languages}
    )
