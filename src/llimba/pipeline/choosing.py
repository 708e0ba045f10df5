"""Which base model for a recipe: candidates scored on its held-out text, one model in memory at a time.

What was scored is kept under `RUNS/choices/<fingerprint>/`, so a killed run continues and a further candidate costs
only itself. The fingerprint covers the text, how it is computed, and the libraries that compute. The bits per byte are
those of `evaluate` for documents that fit its window; it scores the end of a longer one with more context.
"""

import gc
import logging
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from llimba import progress
from llimba.errors import LlimbaError, StageError
from llimba.files import fingerprint, read_json, sha256, write_json
from llimba.models.base_model import base_folder, config_at_hand, declared_license
from llimba.models.loading import load_model
from llimba.pipeline import runner
from llimba.recipe import BaseModelSection, Recipe, TrainingSection
from llimba.recipe.licensing.derive import conflict, derive, known_base
from llimba.records import Document
from llimba.reports.candidates import Candidate, Choice, Fit, LanguageScore
from llimba.reports.plots import base_models
from llimba.reports.training_facts import Forward
from llimba.stages.evaluate.harness import WINDOW, choose_precision
from llimba.stages.evaluate.metrics import Likelihood, bits_difference, bits_interval, bits_per_byte
from llimba.stages.evaluate.selection import texts
from llimba.stages.folders import CorpusFolder

logger = logging.getLogger(__name__)

Texts = Mapping[str, Sequence[Document]]  # by language

# Tokens a word of the target against its best neighbour's, from which on a larger vocabulary is worth a trial. Below it
# even new words that make the target as short as the neighbour save a third of the tokens at most, and the embeddings
# of new words start from nothing: with up to 30 billion tokens the old vocabulary was better (arXiv 2401.01055).
WORTH_EXTENDING = 1.5


class Scored(BaseModel):
    """What is kept of one candidate."""

    parameters: int
    forward: Forward
    lines: dict[str, list[Likelihood]]  # of every line of the text, by language
    words: dict[str, int]


class Chosen(NamedTuple):
    """The choice, and where it is."""

    choice: Choice
    folder: Path
    picture: Path | None  # None where no candidate was scored


def choose(recipe: Recipe, models: Sequence[str], runs: Path, card: str | None, *, base: bool = True) -> Chosen:
    """Score candidates on the recipe's held-out text and recommend one; runs sources and corpus first if needed.

    `models`: hub ids, folders, or NAME=FOLDER, where NAME is the hub id that the folder has the licence of. `base`: the
    recipe's own base model is a candidate too. A model that cannot be loaded is a candidate with its reason. Raises
    `LlimbaError` where there is nothing to choose from or no text in the language.
    """
    from llimba.training.cards import find_card

    sections = ([recipe.base_model] if base else []) + [_section(model) for model in models]
    if not sections:
        raise LlimbaError("there is no candidate: name a model, or leave --no-base out.")
    target, card_here = recipe.profile.code, find_card(card)
    if target not in recipe.evaluate.languages:
        raise LlimbaError(f"evaluate.languages does not name '{target}', so there is nothing to choose by: add it.")
    corpus = runner.run_stage(recipe, runs, "corpus")
    chosen = texts(CorpusFolder(corpus.folder).held_out(), recipe.evaluate, recipe.seed)
    settings = _settings(recipe)
    place = runs / "choices" / fingerprint(_conditions(chosen, settings))
    store: dict[str, Scored] = {}
    candidates = []
    for section in sections:
        candidates.append(_candidate(recipe, section, chosen, settings, place, store, card_here.name if card else None))
    choice = decide(candidates, store, recipe, card_here.name)
    write_json(place / "choice.json", choice.model_dump(mode="json"))
    return Chosen(choice, place, _picture(choice, recipe, place))


def language_names(recipe: Recipe) -> dict[str, str]:
    """What the scored languages are called in English, the one to learn first."""
    codes = dict.fromkeys([recipe.profile.code, *recipe.evaluate.languages])
    return {code: recipe.profile.names.get(code, {}).get("en", code) for code in codes}


def decide(candidates: list[Candidate], store: Mapping[str, Scored], recipe: Recipe, card: str) -> Choice:
    """Recommend the lowest bits per byte in the target language among those that train, fit and may be used."""
    target, names = recipe.profile.code, language_names(recipe)
    scored = sorted((c for c in candidates if c.languages), key=lambda c: c.languages[target].bits_per_byte)
    able = [candidate for candidate in scored if candidate.fits and not candidate.objection]
    if not able:
        reason = "no candidate can be trained, fits the card and has a licence that is known to do"
        return Choice(card=card, target=target, candidates=candidates, recommended=None, reason=reason, vocabulary="")
    best, *others = able
    reason = f"{best.name} has the lowest bits per byte of {names[target]} ({best.languages[target].bits_per_byte:.3f})"
    if others:
        low, high = bits_difference(store[best.name].lines[target], store[others[0].name].lines[target])
        against = f"{low:.3f} to {high:.3f} less than {others[0].name}"
        reason += f", {against}" if low > 0 else f", but this text cannot distinguish it from {others[0].name}"
    if len(able) < len(candidates):
        reason += ", of those that can be trained, fit the card and may be used"
    if scored[0] is not best:
        why = scored[0].objection or f"it does not fit {card}"
        reason += f"; {scored[0].name} has less ({scored[0].languages[target].bits_per_byte:.3f}), but {why}"
    return Choice(
        card=card,
        target=target,
        candidates=candidates,
        recommended=best.name,
        reason=reason,
        vocabulary=vocabulary(best, target, recipe.profile.neighbours, names),
    )


def vocabulary(candidate: Candidate, target: str, neighbours: Sequence[str], names: Mapping[str, str]) -> str:
    """Whether a larger vocabulary would be worth it, from the tokens a word of the target and its best neighbour."""
    others = {code: score for code, score in candidate.languages.items() if code != target}
    near = {code: score for code, score in others.items() if code in neighbours} or others
    if not near:
        return "whether a larger vocabulary is worth it needs a second language in evaluate.languages"
    code = min(near, key=lambda one: near[one].tokens_per_word)
    ours, theirs = candidate.languages[target].tokens_per_word, near[code].tokens_per_word
    worth = "may be worth it: try it" if ours / theirs >= WORTH_EXTENDING else "is not worth it"
    return (
        f"extending its vocabulary {worth} ({names[target]} takes {ours:.2f} tokens a word, {ours / theirs:.2f} times "
        f"the {theirs:.2f} of {names.get(code, code)}; worth a trial from {WORTH_EXTENDING} times on)"
    )


def _section(model: str) -> BaseModelSection:
    """A hub id, a folder, or NAME=FOLDER."""
    name, _, folder = ("", "", model) if Path(model).is_dir() else model.rpartition("=")
    if name and not Path(folder).is_dir():
        raise LlimbaError(f"{model}: there is no folder {folder}.")
    place = {"folder": Path(folder).resolve()} if Path(folder).is_dir() else {"hub": model}
    return BaseModelSection.model_validate({"name": name or model, "license": "unknown", **place})


def _settings(recipe: Recipe) -> TrainingSection:
    """How training computes, in the precision of `evaluate`."""
    precision, _ = choose_precision(recipe.evaluate.precision)
    return (recipe.cpt or recipe.sft).model_copy(update={"precision": precision})


def _conditions(chosen: Texts, settings: TrainingSection) -> list[object]:
    """Everything but the model that can change a score."""
    text = {language: [[d.id, d.text] for d in documents] for language, documents in chosen.items()}
    packages = {package: version(package) for package in ("torch", "transformers")}
    cut = [WINDOW, settings.sequence_length, settings.row_length, settings.precision, settings.attention]
    return [text, cut, packages]


def _candidate(
    recipe: Recipe,
    section: BaseModelSection,
    chosen: Texts,
    settings: TrainingSection,
    place: Path,
    store: dict[str, Scored],
    card: str | None,
) -> Candidate:
    """All that is asked of one model; what it was scored is put into `store` under its name."""
    found: dict[str, object] = {"name": section.name}
    folder = None
    try:
        folder = base_folder(section)
        found |= _license(recipe, section, folder) | _fits(recipe, section, card)
        kept = _kept(section, folder, place)
        if kept.exists():
            logger.info("%s: scored before, taken from %s", section.name, kept)
            scored = Scored.model_validate(read_json(kept))
        else:
            scored = _measure(section, folder, chosen, settings)
    except Exception as error:  # whatever transformers raises at a folder that it does not understand
        ours = isinstance(error, StageError)
        said = str(error) if ours else f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
        state = "refused" if ours and folder is not None else "not loaded"
        logger.info("%s: %s (%s)", section.name, state, said)
        return Candidate.model_validate(found | {"training": state, "reason": said})
    write_json(kept, scored.model_dump(mode="json"))
    store[section.name] = scored
    return Candidate.model_validate(
        found
        | {
            "training": "a call a document" if scored.forward.one_by_one else "a call a row",
            "reason": scored.forward.reason,
            "parameters": scored.parameters,
            "languages": {code: _score(lines, scored.words[code]) for code, lines in scored.lines.items()},
        }
    )


def _license(recipe: Recipe, section: BaseModelSection, folder: Path) -> dict[str, object]:
    """Of the model, of what is made from it on the recipe's text, and what speaks against it."""
    declared = section.license
    if section is not recipe.base_model:
        published = known_base(section.name)
        declared = declared_license(folder) or (published.license if published else section.license)
    trained_on = [(name, source.license) for name, source in recipe.sources.items() if source.role == "train"]
    derived = derive(section.name, declared, trained_on)
    return {
        "license": derived.parts[0].terms.license,
        "license_difference": derived.difference,
        "result_license": derived.terms.license,
        "asks": derived.asks,
        "objection": conflict(derived, recipe.publish.license) or "",
    }


def _fits(recipe: Recipe, section: BaseModelSection, card: str | None) -> dict[str, object]:
    """Full training as `cpt` does it, and an adapter as `sft` does or would."""
    from llimba.training.cards import find_card
    from llimba.training.cost import shape_from_config
    from llimba.training.estimate import estimate

    shape, outline = shape_from_config(config_at_hand(section))
    full = recipe.cpt or recipe.sft.model_copy(update={"method": "full"})
    adapter = recipe.sft if recipe.sft.adapter_kind else recipe.sft.model_copy(update={"method": "lora"})
    found: dict[str, object] = {"parameters": shape.parameters}
    for name, settings in (("full", full), ("adapter", adapter)):
        changed = shape.with_adapter(settings, outline)
        if name == "full" or changed.adapter:
            needed = estimate(changed, settings, find_card(card), None, recipe.seed)
            found[name] = Fit(
                fits=needed.fits,
                needed_gib=needed.needed_gib,
                available_gib=needed.available_gib,
                remedy=needed.remedy,
            )
    return found


def _kept(section: BaseModelSection, folder: Path, place: Path) -> Path:
    """Where the scores of a model with these weights are kept."""
    key = fingerprint([sha256(folder), section.tokens.model_dump(mode="json")])
    return place / f"{re.sub('[^A-Za-z0-9.-]+', '-', section.name).strip('-')}-{key}.json"


def _measure(section: BaseModelSection, folder: Path, chosen: Texts, settings: TrainingSection) -> Scored:
    """Load the model, prove that it can be trained, and score every line of the text."""
    import torch

    from llimba.training.model import DTYPES
    from llimba.training.monitor import held_out_examples
    from llimba.training.scoring import Scorer
    from llimba.training.settings import resolve_for

    resolved = resolve_for(folder, settings)
    loaded = load_model(folder, section.tokens, DTYPES[resolved.precision.value])
    if settings.gradient_checkpointing:  # for the check, which computes gradients
        loaded.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    documents = [document for of_language in chosen.values() for document in of_language]
    whole = 4 * sum(len(document.text.encode()) for document in documents)  # so that every document counts in full
    length, separator = min(WINDOW, loaded.context), loaded.contract.separator_id  # as `evaluate` cuts a text
    held_out = held_out_examples(documents, list(chosen), whole, loaded.tokenizer, separator, length)
    logger.info("%s: its own forward against ours ...", section.name)
    scorer = Scorer(loaded, resolved, settings.sequence_length)
    examples = [example for of_language in held_out.examples.values() for example in of_language]
    with progress.bar(section.name, sum(len(example.input_ids) for example in examples), "tokens") as bar:
        nats = scorer.token_nats(examples, bar)
    of_document: dict[tuple[str, str], list[float]] = {}
    for example, found in zip(examples, nats, strict=True):
        of_document.setdefault((example.language, example.document), []).extend(found.tolist())
    lines = {
        language: [
            line
            for document in of_language
            for line in _lines(document.text, of_document[language, document.id], loaded.tokenizer)
        ]
        for language, of_language in chosen.items()
    }
    words = {language: sum(len(document.text.split()) for document in of) for language, of in chosen.items()}
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    scored = Scored(parameters=parameters, forward=scorer.forward, lines=lines, words=words)
    del loaded, scorer
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return scored


def _lines(text: str, nats: list[float], tokenizer: object) -> list[Likelihood]:
    """One document's tokens by line: a token belongs to the line of its last character.

    `nats` are of the tokens in order. What is predicted after the last one counts to the last line; where the first is
    not predicted, it counts nothing.
    """
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)  # type: ignore[operator]
    ends = [max(end - 1, 0) for _, end in encoded["offset_mapping"]]
    parts = text.splitlines(keepends=True) if "\n" in text else [text]
    starts = [0, *accumulate(map(len, parts))][:-1]
    places = [bisect_right(starts, end) - 1 for end in ends]
    predicted = places[max(0, len(places) - len(nats)) :]
    predicted += [len(parts) - 1] * (len(nats) - len(predicted))
    lost, tokens = [0.0] * len(parts), [0] * len(parts)
    for place in places:
        tokens[place] += 1
    for place, value in zip(predicted, nats, strict=True):
        lost[place] -= value
    return [
        Likelihood(round(one, 4), len(part.encode()), count)
        for one, part, count in zip(lost, parts, tokens, strict=True)
    ]


def _score(lines: Sequence[Likelihood], words: int) -> LanguageScore:
    found = bits_per_byte(lines)
    low, high = bits_interval(lines)
    return LanguageScore(
        bits_per_byte=found.value,
        low=low,
        high=high,
        tokens_per_word=round(found.tokens / max(1, words), 3),
        bytes=found.bytes,
        lines=found.documents,
    )


def _picture(choice: Choice, recipe: Recipe, place: Path) -> Path | None:
    scored = [candidate for candidate in choice.candidates if candidate.languages]
    if not scored:
        return None
    names = {code: name for code, name in language_names(recipe).items() if code in scored[0].languages}
    path = place / "bits_per_byte.png"
    base_models(scored, names, path, f"Base models on the held-out text of recipe {recipe.name} (95 % intervals)")
    return path
