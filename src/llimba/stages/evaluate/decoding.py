"""Other ways to get translations out of the same model: columns of their own beside the greedy one, never the headline.

Beam search, or the sampled answer that agrees most with the others by chrF (minimum Bayes risk). What is chosen by chrF
and scored by chrF flatters itself (arXiv 2411.03524): `docs/evaluation.md`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llimba import progress
from llimba.files import read_json, write_json
from llimba.languages.prompts import split_direction
from llimba.models.encoding import chat_prompt
from llimba.recipe import Decoding, Recipe
from llimba.records import Pair
from llimba.reports.evaluated import EvaluatedFolder, SavedAnswer
from llimba.reports.scores import SystemScores
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.behaviour import behaviour, faults
from llimba.stages.evaluate.metrics import save_and_score
from llimba.stages.evaluate.tasks import FIRST_LINE, wording

DECODED = ("sft", "model")  # the columns that are decoded in other ways too


def decoded(
    recipe: Recipe, folders: dict[str, Path], rows: dict[str, list[Pair]], folder: EvaluatedFolder
) -> dict[str, SystemScores]:
    """Scores by heading ("sft, beam4"); a way that a killed run has finished is not decoded again."""
    found = {}
    for system in (name for name in DECODED if name in folders):
        model: Any = None
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
    recipe: Recipe, model: Any, how: Decoding, heading: str, rows: dict[str, list[Pair]], folder: EvaluatedFolder
) -> SystemScores:
    translation, found = {}, {}
    for direction, pairs in rows.items():
        source, target = split_direction(direction)
        prompts = [_prompt(recipe, model, direction, pair.texts[source]) for pair in pairs]
        with progress.bar(f"{heading}: {direction}", len(prompts), "answers") as bar:
            made = generate(recipe, model, prompts, how, bar)
        answers = []
        for pair, candidates in zip(pairs, made, strict=True):
            lines = [_first_line(text) for text, _ in candidates]
            best = agreed(lines) if how.samples else 0
            raw, stopped = candidates[best]
            several = lines if how.samples else None
            answers.append(SavedAnswer.of(pair, direction, lines[best], raw=raw, stopped=stopped, candidates=several))
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


def generate(
    recipe: Recipe, model: Any, prompts: Sequence[str], how: Decoding, bar: progress.Bar
) -> list[list[tuple[str, bool]]]:
    """For each prompt its answers (one, or `samples`) and whether each ended by itself."""
    import torch

    settings, tokenizer = recipe.evaluate, model.tokenizer
    tokenizer.padding_side = "left"
    ends = torch.tensor(model.model.generation_config.eos_token_id)
    kind: dict[str, Any] = {"do_sample": False, "num_beams": how.num_beams}
    if how.samples:
        kind = {"do_sample": True, "temperature": how.temperature, "top_p": 1.0, "top_k": 0}
        kind["num_return_sequences"] = how.samples
    if settings.prompt == "completion":
        kind |= {"stop_strings": ["\n"], "tokenizer": tokenizer}
    room = max(len(model.tok_encode(prompt)) for prompt in prompts) + settings.max_new_tokens
    size, _ = harness.choose_batch_size(settings.batch_size, model.model.config, room, harness.card_memory())
    size = max(1, size // max(how.num_beams, how.samples))
    each = how.samples or 1
    answers: dict[int, list[tuple[str, bool]]] = {}
    ranked = sorted(range(len(prompts)), key=lambda place: -len(prompts[place]))
    torch.manual_seed(recipe.seed)
    for start in range(0, len(ranked), size):
        places = ranked[start : start + size]
        texts = [prompts[place] for place in places]
        given = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.model.device)
        given.pop("token_type_ids", None)
        with torch.inference_mode():
            made = model.model.generate(**given, max_new_tokens=settings.max_new_tokens, **kind)
        made = made[:, given["input_ids"].shape[1] :].cpu()
        said = tokenizer.batch_decode(made, skip_special_tokens=True)
        stopped = torch.isin(made, ends).any(dim=1).tolist()
        if settings.prompt == "completion":
            stopped = [one or "\n" in text for one, text in zip(stopped, said, strict=True)]
        both = list(zip(said, stopped, strict=True))
        answers |= {place: both[n * each : (n + 1) * each] for n, place in enumerate(places)}
        bar.advance(len(places))
    return [answers[place] for place in range(len(prompts))]


def _prompt(recipe: Recipe, model: Any, direction: str, sentence: str) -> str:
    """The evaluation's own prompt, as the greedy column is asked."""
    asked = wording(recipe.evaluate, recipe.profile)(direction, sentence)
    if recipe.evaluate.prompt == "completion":
        return asked
    return chat_prompt(asked, model.tokenizer)


def _first_line(text: str) -> str:
    match = re.match(FIRST_LINE, text)
    return match[1].strip() if match else ""
