"""Other ways to get translations out of the same model: columns of their own beside the greedy one, never the headline.

Beam search, or the sampled answer that agrees most with the others by chrF (minimum Bayes risk). What is chosen by chrF
and scored by chrF flatters itself (arXiv 2411.03524): `docs/evaluation.md`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from llimba import progress
from llimba.files import read_json, write_json
from llimba.languages.prompts import split_direction
from llimba.models.encoding import chat_prompt
from llimba.models.generate import Answer, generate
from llimba.recipe import Decoding, Recipe
from llimba.records import Pair
from llimba.reports.evaluated import EvaluatedFolder, SavedAnswer
from llimba.reports.scores import SystemScores
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.behaviour import behaviour, faults
from llimba.stages.evaluate.harness import RecordingModel
from llimba.stages.evaluate.metrics import save_and_score
from llimba.stages.evaluate.tasks import FIRST_LINE, wording


def decoded(
    recipe: Recipe, folders: dict[str, Path], rows: dict[str, list[Pair]], folder: EvaluatedFolder
) -> dict[str, SystemScores]:
    """Scores by heading ("sft, beam4") of the last of `folders`; what a killed run finished is not decoded again."""
    found = {}
    system = list(folders)[-1]  # the finished model
    model: RecordingModel | None = None
    for name, how in recipe.evaluate.decoding.items():
        heading = f"{system}, {name}"
        finished = folder.path / "systems" / f"{heading}.json"
        if finished.exists():
            found[heading] = SystemScores.model_validate(read_json(finished))
        else:
            model = model or harness.load(folders[system], recipe.base_model.tokens, recipe.evaluate)
            found[heading] = _scored(recipe, model, how, heading, rows, folder)
            write_json(finished, found[heading].model_dump(mode="json", exclude_defaults=True))
    return found


def _scored(
    recipe: Recipe,
    model: RecordingModel,
    how: Decoding,
    heading: str,
    rows: dict[str, list[Pair]],
    folder: EvaluatedFolder,
) -> SystemScores:
    translation, found = {}, {}
    for direction, pairs in rows.items():
        source, target = split_direction(direction)
        prompts = [_prompt(recipe, model, direction, pair.texts[source]) for pair in pairs]
        with progress.bar(f"{heading}: {direction}", len(prompts), "answers") as bar:
            made = _candidates(recipe, model, prompts, how, bar)
        answers = []
        for pair, candidates in zip(pairs, made, strict=True):
            lines = [_first_line(candidate.text) for candidate in candidates]
            chosen = agreed(lines) if how.samples else 0
            raw, stopped, _ = candidates[chosen]
            several = lines if how.samples else None
            answers.append(SavedAnswer.of(pair, direction, lines[chosen], raw=raw, stopped=stopped, candidates=several))
        translation[direction] = save_and_score(folder.answers_file(heading, direction), answers)
        found[direction] = faults(answers, target)
    return SystemScores(translation=translation, behaviour=behaviour(found), decoding=how)


def agreed(candidates: Sequence[str]) -> int:
    """The place of the candidate that agrees most with all others by sentence chrF; the first of equals."""
    from sacrebleu.metrics import CHRF

    metric, times = CHRF(), Counter(candidates)

    def utility(candidate: str) -> float:
        others = {text: count - (text == candidate) for text, count in times.items()}
        return sum(n * float(metric.sentence_score(candidate, [text]).score) for text, n in others.items() if n)

    utilities = {candidate: utility(candidate) for candidate in times}
    return max(range(len(candidates)), key=lambda place: utilities[candidates[place]])


def _candidates(
    recipe: Recipe, model: RecordingModel, prompts: Sequence[str], how: Decoding, bar: progress.Bar
) -> list[tuple[Answer, ...]]:
    """For each prompt its answers: one, or `samples`."""
    settings, each = recipe.evaluate, how.samples or 1
    room = max(len(model.tok_encode(prompt)) for prompt in prompts) + settings.max_new_tokens
    size, _ = harness.choose_batch_size(settings.batch_size, model.model.config, room, harness.card_memory())
    made = generate(
        model.model,
        model.tokenizer,
        prompts,
        settings.max_new_tokens,
        batch_size=max(1, size // max(how.num_beams, each)),
        temperature=how.temperature if how.samples else 0.0,
        num_beams=how.num_beams,
        num_return_sequences=each,
        stop_strings=("\n",) if settings.prompt == "completion" else (),
        seed=recipe.seed,
        begin=settings.prompt == "completion",
        bar=bar,
    )
    return [tuple(made[start : start + each]) for start in range(0, len(made), each)]


def _prompt(recipe: Recipe, model: RecordingModel, direction: str, sentence: str) -> str:
    """The evaluation's own prompt, as the greedy column is asked."""
    asked = wording(recipe.evaluate, recipe.profile)(direction, sentence)
    if recipe.evaluate.prompt == "completion":
        return asked
    return chat_prompt(asked, model.tokenizer)


def _first_line(text: str) -> str:
    match = re.match(FIRST_LINE, text)
    return match[1].strip() if match else ""
