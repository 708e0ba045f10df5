"""Which base model for a recipe: candidates scored on its held-out text, one model in memory at a time.

What was scored is kept under `RUNS/choices/<fingerprint>/`, so a killed run continues and a further candidate costs
only itself.
"""

import gc
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from llimba.errors import LlimbaError, StageError
from llimba.files import fingerprint, read_json, write_json
from llimba.models.base_model import base_folder, config_at_hand, declared_license
from llimba.pipeline import runner
from llimba.pipeline.candidate_scores import (
    Scored,
    Texts,
    conditions,
    kept_file,
    language_score,
    measure,
    scoring_settings,
)
from llimba.recipe import ModelSection, Recipe, SftSection, TrainingSection
from llimba.recipe.licensing.derive import conflict, derive, known_base
from llimba.reports.candidates import Candidate, Choice, Fit
from llimba.reports.plots import base_models
from llimba.stages.evaluate.metrics import bits_difference
from llimba.stages.evaluate.selection import texts
from llimba.stages.folders import CorpusFolder

logger = logging.getLogger(__name__)

# Tokens a word of the target against its best neighbour's, from which on a larger vocabulary is worth a trial: a
# judgement. Below it even new words that make the target as short as the neighbour save half of the tokens at most, and
# the embeddings of new words start from nothing: LLaMA learned Chinese, which it cuts finer, better with its own
# vocabulary for up to 30 billion tokens (arXiv 2401.01055).
WORTH_EXTENDING = 2.0


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
    settings = scoring_settings(recipe)
    place = runs / "choices" / fingerprint(conditions(chosen, settings))
    store: dict[str, Scored] = {}
    candidates = []
    for section in sections:
        _free_memory()
        candidates.append(_candidate(recipe, section, chosen, settings, place, store, card_here.name if card else None))
    choice = decide(candidates, store, recipe, card_here.name)
    write_json(place / "choice.json", choice.model_dump(mode="json"))
    return Chosen(choice, place, _picture(choice, recipe, place))


def _free_memory() -> None:
    """Of the candidate before."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


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
        f"the {theirs:.2f} of {names.get(code, code)}; worth a trial from {WORTH_EXTENDING:g} times on)"
    )


def _section(model: str) -> ModelSection:
    """A hub id, a folder, or NAME=FOLDER."""
    name, _, folder = ("", "", model) if Path(model).is_dir() else model.rpartition("=")
    if name and not Path(folder).is_dir():
        raise LlimbaError(f"{model}: there is no folder {folder}.")
    place = {"folder": Path(folder).resolve()} if Path(folder).is_dir() else {"hub": model}
    return ModelSection.model_validate({"name": name or model, "license": "unknown", **place})


def _candidate(
    recipe: Recipe,
    section: ModelSection,
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
        kept = kept_file(section, folder, place)
        if kept.exists():
            logger.info("%s: scored before, taken from %s", section.name, kept)
            scored = Scored.model_validate(read_json(kept))
        else:
            scored = measure(section, folder, chosen, settings)
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
            "languages": {code: language_score(lines, scored.words[code]) for code, lines in scored.lines.items()},
        }
    )


def _license(recipe: Recipe, section: ModelSection, folder: Path) -> dict[str, object]:
    """Of the model, of what is made from it on the recipe's text, and what speaks against it."""
    declared = section.license
    if section is not recipe.base_model:
        published = known_base(section.name)
        declared = declared_license(folder) or (published.license if published else section.license)
    trained_on = [(name, source.license) for name, source in recipe.sources.items() if source.role == "train"]
    derived = derive([(section.name, declared)], trained_on)
    return {
        "license": derived.parts[0].terms.license,
        "license_difference": derived.difference,
        "result_license": derived.terms.license,
        "asks": derived.asks,
        "objection": conflict(derived, recipe.publish.license) or "",
    }


def _fits(recipe: Recipe, section: ModelSection, card: str | None) -> dict[str, object]:
    """Full training as `cpt` does it, and an adapter as `sft` does or would."""
    from llimba.training.cards import find_card
    from llimba.training.cost import shape_from_config
    from llimba.training.estimate import estimate

    shape, outline = shape_from_config(config_at_hand(section))
    sft = recipe.sft or SftSection()
    full = recipe.cpt or sft.model_copy(update={"method": "full"})
    adapter = sft if sft.adapter_kind else sft.model_copy(update={"method": "lora"})
    found: dict[str, object] = {"parameters": shape.parameters}
    for name, settings in (("full", full), ("adapter", adapter)):
        changed = shape.with_adapter(settings, outline)
        if name == "full" or changed.adapter:
            needed = estimate(changed, settings, find_card(card), None, recipe.seed)
            found[name] = Fit(
                fits=needed.fits, needed_gib=needed.needed_gib, available_gib=needed.available_gib, remedy=needed.remedy
            )
    return found


def _picture(choice: Choice, recipe: Recipe, place: Path) -> Path | None:
    scored = [candidate for candidate in choice.candidates if candidate.languages]
    if not scored:
        return None
    names = {code: name for code, name in language_names(recipe).items() if code in scored[0].languages}
    path = place / "bits_per_byte.png"
    base_models(scored, names, path, f"Base models on the held-out text of recipe {recipe.name} (95 % intervals)")
    return path
