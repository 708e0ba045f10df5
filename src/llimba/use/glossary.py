"""A glossary: terms with a fixed translation, checked in what the model translates, or forced into it.

Terms are found as whole words, whatever the case and accents (`languages.text.fold`). Forcing is constrained decoding
as a glossary needs it: in the model's own answer the likeliest place for the term is found, the term is put there, and
the model continues the answer from it. transformers' constrained beam search, which did this, was removed from it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.languages.text import fold
from llimba.models.generate import generate
from llimba.models.loading import LoadedModel


class Term(NamedTuple):
    """A source term and its fixed translation."""

    source: str
    target: str


def read_glossary(path: Path) -> list[Term]:
    """Terms of a text file, see `parse_glossary`; raises `LlimbaError` where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LlimbaError(f"the glossary {path} cannot be read ({error}).") from error
    return parse_glossary(text, str(path))


def parse_glossary(text: str, named: str) -> list[Term]:
    """Terms of a text: on each line source, a tab or ` = `, target; raises `LlimbaError` with the line of `named`."""
    terms = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t" if "\t" in line else " = ")]
        if len(columns) != 2 or not all(fold(column) for column in columns):
            raise LlimbaError(
                f"{named}, line {number}: expected a term, a tab (or ` = `) and its translation, found {line[:60]!r}."
            )
        terms.append(Term(*columns))
    return terms


def contains(term: str, text: str) -> bool:
    """Whether `text` contains `term` as whole words."""
    return f" {fold(term)} " in f" {fold(text)} "


def missing(terms: Sequence[Term], source: str, translation: str) -> list[Term]:
    """Terms that occur in the source and whose translation does not occur in the translation."""
    return [t for t in terms if contains(t.source, source) and not contains(t.target, translation)]


def force(opened: LoadedModel, prompt: list[int], answer: str, terms: Sequence[Term], max_new_tokens: int) -> str:
    """The answer with every term in it, each put where the model finds it likeliest, the rest the model's own again.

    Terms are put in by the order given, a later one behind an earlier one; one that the new answer holds by itself is
    left alone. The answer's first line counts.
    """
    fixed = ""  # what may no longer change
    for term in terms:
        if contains(term.target, answer):
            continue
        fixed = _likeliest(opened, prompt, answer, fixed, term.target)
        answer = _continued(opened, prompt, fixed, max_new_tokens)
    return answer


def _likeliest(opened: LoadedModel, prompt: list[int], answer: str, fixed: str, target: str) -> str:
    """The start of the answer up to the best place for `target`, which is a gap between words, with `target` there."""
    import torch

    gaps = [len(fixed), *(i for i, c in enumerate(answer) if c == " " and i > len(fixed)), len(answer.rstrip())]
    starts = [answer[:gap].rstrip() for gap in dict.fromkeys(gaps)]
    best, best_score = "", float("-inf")
    for start in starts:
        joined = f"{start} {target}".strip()
        before = len(prompt) + len(_ids(opened, start))
        ids = torch.tensor([[*prompt, *_ids(opened, joined)]], device=opened.model.device)
        with torch.inference_mode():
            scores = opened.model(ids).logits[0, before - 1 : -1].float().log_softmax(-1)
        score = float(scores.gather(-1, ids[0, before:, None]).mean())
        if score > best_score:
            best, best_score = joined, score
    return best


def _continued(opened: LoadedModel, prompt: list[int], start: str, max_new_tokens: int) -> str:
    (more,) = generate(opened.model, opened.tokenizer, [[*prompt, *_ids(opened, start)]], max_new_tokens)
    line = more.text.split("\n")[0].rstrip()
    # a letter that follows at once would make another word of the term
    return start if line and line[0].isalnum() else start + line


def _ids(opened: LoadedModel, text: str) -> list[int]:
    return list(opened.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])
