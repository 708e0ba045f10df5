"""Does a model do as it is told? Instructions that code can check, made from the profile, the same for every model.

IFEval and its copy in lm-evaluation-harness do not serve: English only, its checkers load NLTK data from the net and
tell languages with langdetect, which knows none of ours. The idea is theirs (arXiv 2311.07911), and so is strictness:
an answer is right or wrong as it stands. The wordings are data (`languages/tables/instructions.yaml`).
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

import yaml

from llimba.languages.profile import TABLES, Language
from llimba.languages.text import fold, words
from llimba.reports.scores import Instructions
from llimba.stages.evaluate.behaviour import share

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier

WORDINGS = TABLES / "instructions.yaml"
AMOUNTS = {"at_most_words": (10, 20, 30), "sentences": (2, 3), "list": (3, 4, 5)}  # what {n} may be
MAX_NEW_TOKENS = 96


@dataclass(frozen=True, slots=True)
class Instruction:
    """One prompt, and what its answer is checked for."""

    prompt: str
    prompt_language: str
    kind: str
    n: int = 0
    word: str = ""
    language: str = ""  # that the answer must be in


def instructions(profile: Language, languages: Sequence[str], count: int, *, identified: bool) -> list[Instruction]:
    """`count` instructions, spread evenly over prompt languages, kinds and topics; the same for the same profile.

    `languages` are those scored: prompts stand in those of them that have wordings, else in English. The kind
    `language` asks for each of them in turn, where an identifier can tell (`identified`).
    """
    tables = yaml.safe_load(WORDINGS.read_text(encoding="utf-8"))
    asked_for = list(dict.fromkeys([profile.code, *languages]))
    named = [code for code in tables if all(code in profile.names.get(of, {}) for of in asked_for)]
    spoken = [code for code in languages if code in named] or ["en"]
    kinds = [kind for kind in tables["en"]["wordings"] if kind != "language" or identified]
    found: list[Instruction] = []
    for turn, (kind, code) in enumerate(islice(_round(kinds, spoken), count)):
        table = tables[code]
        round_ = turn // (len(kinds) * len(spoken))
        place = turn % (len(kinds) * len(spoken)) + round_
        amounts = AMOUNTS.get(kind, (0,))
        n, word = amounts[round_ % len(amounts)], table["words"][place % len(table["words"])]
        language = asked_for[round_ % len(asked_for)] if kind == "language" else ""
        prompt = table["wordings"][kind].format(
            topic=table["topics"][place % len(table["topics"])],
            n=n,
            word=word,
            language=profile.name(language, code) if language else "",
        )
        found.append(Instruction(prompt, code, kind, n, word if kind in ("contains", "begins") else "", language))
    return found


def _round(kinds: Sequence[str], languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Kinds and prompt languages in turn, over and over."""
    while True:
        yield from product(kinds, languages)


def followed(instruction: Instruction, answer: str, identifier: "Identifier | None" = None) -> bool:
    """Whether the answer does what the instruction asks; `language` needs the identifier."""
    text = answer.strip()
    if instruction.kind == "language":
        if identifier is None or not text:
            return False
        (label,) = identifier.label_many([text])
        return label.language == instruction.language
    return bool(text) and CHECKS[instruction.kind](instruction, text)


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text) if any(c.isalpha() for c in part)]


def _json_object(_: Instruction, text: str) -> bool:
    found = re.fullmatch(r"(?:```(?:json)?\s*)?(\{.*\})(?:\s*```)?", text, re.DOTALL)
    try:
        value = json.loads(found.group(1)) if found else None
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and set(value) == {"name", "about"}


CHECKS: dict[str, Callable[[Instruction, str], bool]] = {
    "at_most_words": lambda asked, text: len(words(text)) <= asked.n,
    "sentences": lambda asked, text: len(_sentences(text)) == asked.n,
    "list": lambda asked, text: (
        [line.startswith("- ") for line in text.splitlines() if line.strip()] == [True] * asked.n
    ),
    "contains": lambda asked, text: fold(asked.word) in fold(text).split(),
    "begins": lambda asked, text: fold(text).split()[:1] == [fold(asked.word)],
    "capitals": lambda _, text: text == text.upper() and any(c.isalpha() for c in text),
    "json": _json_object,
    "one_word": lambda _, text: len(words(text)) == 1,
}


@dataclass(frozen=True, slots=True)
class InstructionAnswer(Instruction):
    """An instruction with its answer, a line of `hypotheses/instructions.jsonl`."""

    answer: str = ""
    followed: bool = False


def following(answers: Sequence[InstructionAnswer]) -> Instructions:
    """Shares of instructions followed: together, by kind and by prompt language."""
    kinds, languages = (sorted({getattr(one, key) for one in answers}) for key in ("kind", "prompt_language"))
    return Instructions(
        all=share([one.followed for one in answers]),
        by_kind={kind: share([one.followed for one in answers if one.kind == kind]) for kind in kinds},
        by_prompt_language={
            code: share([one.followed for one in answers if one.prompt_language == code]) for code in languages
        },
    )
