"""Does a model stay in the language that it is spoken to in? Fixed prompts of the profile, sampled over temperature.

Each answer is identified by paragraph with the corpus stage's identifier: all of it in the target language, in one
other, in several (mixed), or in none that is known (other). The published project saw models of equal BLEU differ in
just this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llimba import progress
from llimba.models.encoding import chat_prompt
from llimba.models.generate import generate
from llimba.recipe import ModeSwitch
from llimba.reports.scores import LanguageShares, Share
from llimba.stages.evaluate.behaviour import share

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llimba.languages.identify.identifier import Identifier

TARGET, MIXED, OTHER = "target", "mixed", "other"


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """A line of `hypotheses/mode_switch.jsonl`."""

    temperature: float
    seed: int
    prompt: str
    answer: str
    language: str  # as `language_of` says


def language_of(text: str, target: str, identifier: "Identifier") -> str:
    """`target`, another language's code, `mixed`, or `other` where no paragraph is surely in a known language."""
    (labelled,) = identifier.paragraphs([text])
    found = {label.language for _, label in labelled if label.language in identifier.languages}
    if len(found) > 1:
        return MIXED
    return OTHER if not found else TARGET if found == {target} else found.pop()


def probe(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[str],
    target: str,
    identifier: "Identifier",
    settings: ModeSwitch,
    title: str,
) -> list[ProbeAnswer]:
    """Every answer of the model."""
    asked = [(t, seed) for t in settings.temperatures for seed in range(settings.seeds if t else 1)]
    texts, rows = [chat_prompt(prompt, tokenizer) for prompt in prompts], []
    with progress.bar(f"{title}: mode switch", len(asked) * len(prompts), "answers") as bar:
        for temperature, seed in asked:
            answers = generate(
                model, tokenizer, texts, settings.max_new_tokens, temperature=temperature, seed=seed, bar=bar
            )
            for prompt, answer in zip(prompts, answers, strict=True):
                language = language_of(answer.text, target, identifier)
                rows.append(ProbeAnswer(temperature, seed, prompt, answer.text, language))
    return rows


def shares(rows: Sequence[ProbeAnswer]) -> dict[float, LanguageShares]:
    """By temperature the share of each language among the answers."""
    found = {}
    for temperature in dict.fromkeys(row.temperature for row in rows):
        here = [row.language for row in rows if row.temperature == temperature]

        def of(name: str, here: list[str] = here) -> Share:
            return share([language == name for language in here])

        found[temperature] = LanguageShares(
            target=of(TARGET),
            neighbours={name: of(name) for name in sorted(set(here) - {TARGET, MIXED, OTHER})},
            mixed=of(MIXED),
            unknown=of(OTHER),
        )
    return found
