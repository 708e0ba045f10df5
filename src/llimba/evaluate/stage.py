"""Stage 6, `evaluate`: base, CPT and SFT model on the same held-out text, beside a do-nothing copy.

Leaves `scores.json`, every answer under `hypotheses/`, and the harness's task files under `tasks/`.
"""

import logging
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba.base_model import base_folder
from llimba.errors import Unavailable, set_at
from llimba.evaluate import harness
from llimba.evaluate.behaviour import KINDS, behaviour, summed
from llimba.evaluate.mode_switch import probe, shares
from llimba.evaluate.scores import bits_per_byte, signatures, translation_scores
from llimba.evaluate.selection import Row, sentences, texts
from llimba.evaluate.tasks import settle, text_task, translation_task, write_tasks
from llimba.files import read_json, read_jsonl, write_json, write_jsonl
from llimba.prompts import evaluation_prompt, split_direction
from llimba.recipe import Recipe
from llimba.records import Document, read_records
from llimba.translators.engines import open_engine

if TYPE_CHECKING:
    from llimba.identify.identifier import Identifier

logger = logging.getLogger(__name__)


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Score base, CPT and SFT model; one that a killed run has finished is not scored again. Returns the scores."""
    folders = {
        "base": base_folder(recipe.base_model),
        **({"cpt": inputs["cpt"] / "model"} if "cpt" in inputs else {}),
        "sft": inputs["sft"] / "model",
    }
    return score_models(recipe, inputs["corpus"], folders, out)


def score_models(recipe: Recipe, corpus: Path, folders: dict[str, Path], out: Path) -> dict[str, Any]:
    """Score any model folders, by name, on what the recipe's corpus has set aside; writes and returns the scores."""
    settings = recipe.evaluate
    rows = sentences(read_jsonl(corpus / "evaluation.jsonl"), settings, recipe.seed)
    held_out = texts(read_records(corpus / "held_out.jsonl", Document), settings, recipe.seed)
    tasks = out / "tasks"
    write_tasks(tasks, rows, held_out, recipe.profile, settings.max_new_tokens)
    identifier = _identifier(corpus / "identifier.safetensors")
    results = {"copy": _copy(rows, out), **_baselines(recipe, rows, out)}
    for system, folder in folders.items():
        finished = out / "systems" / f"{system}.json"
        if not finished.exists():
            started = time.monotonic()
            logger.info("  scoring %s", system)
            result = _score(recipe, system, folder, rows, held_out, identifier, out)
            write_json(finished, result | {"seconds": round(time.monotonic() - started, 1)})
        results[system] = read_json(finished)
    measured = {system: results[system] for system in folders}
    scores = {
        "systems": list(results),
        "bits_per_byte": {system: result["bits_per_byte"] for system, result in measured.items()},
        "translation": {system: result["translation"] for system, result in results.items()},
        "stopping": {system: result["stopping"] for system, result in measured.items()},
        "kinds": KINDS,
        "confidence_percent": 95,
        "behaviour": {system: result["behaviour"] for system, result in measured.items()},
        "mode_switch": {
            system: result["mode_switch"] for system, result in measured.items() if "mode_switch" in result
        },
        "seconds": {system: result["seconds"] for system, result in measured.items()},
        "signatures": signatures(),
        "prompt": evaluation_prompt(recipe.profile, settings.directions[0], "...") if settings.directions else "",
        "precision": harness.choose_precision(settings.precision)[0],
        "max_new_tokens": settings.max_new_tokens,
        "window": harness.WINDOW,
        "answer": "the first line that is not empty, greedy",
        "harness": f"lm-evaluation-harness {version('lm_eval')}",
    }
    settle(tasks, out.with_name(out.name.removesuffix(".partial")) / tasks.name)
    write_json(out / "scores.json", scores)
    return scores


def _identifier(path: Path) -> "Identifier | None":
    """The corpus stage's, where the recipe has one trained."""
    from llimba.identify.identifier import Identifier

    return Identifier.load(path) if path.exists() else None


def _copy(rows: dict[str, list[Row]], out: Path) -> dict[str, Any]:
    """The baseline that does nothing: the source is the hypothesis."""
    translation = {}
    for direction, chosen in rows.items():
        source, target = split_direction(direction)
        answers = [
            {"id": r["id"], "source": r[source], "reference": r[target], "hypothesis": r[source]} for r in chosen
        ]
        translation[direction] = _translation(out, "copy", direction, answers)
    return {"translation": translation}


def _baselines(recipe: Recipe, rows: dict[str, list[Row]], out: Path) -> dict[str, Any]:
    """Other systems that the recipe names; one that this machine lacks is left out and said."""
    found: dict[str, Any] = {}
    for heading, asked in recipe.evaluate.baselines.items():
        translation = {}
        for direction, settings in asked.items():
            source, target = split_direction(direction)
            chosen = rows[direction]
            try:
                with set_at(f"evaluate.baselines.{heading}.{direction}"):
                    engine = open_engine(settings, recipe.profile, None)
                    said = engine.translate([row[source] for row in chosen])
            except Unavailable as error:
                logger.warning("  left out: %s", error)
                continue
            answers = [
                {
                    "id": r["id"],
                    "source": r[source],
                    "reference": r[target],
                    "hypothesis": s.text,
                    "engine": engine.name,
                }
                for r, s in zip(chosen, said, strict=True)
            ]
            translation[direction] = _translation(out, heading, direction, answers)
        if translation:
            found[heading] = {"translation": translation}
    return found


def _score(
    recipe: Recipe,
    system: str,
    folder: Path,
    rows: dict[str, list[Row]],
    held_out: dict[str, list[Document]],
    identifier: "Identifier | None",
    out: Path,
) -> dict[str, Any]:
    """Bits per byte of every language, translations of every direction, and how the answers behave."""
    settings = recipe.evaluate
    model = harness.load(folder, recipe.base_model.tokens, settings)
    result: dict[str, Any] = {
        "bits_per_byte": {},
        "translation": {},
        "stopping": {"share": 0.0, "answers": 0},
        "behaviour": {},
    }
    if held_out:
        names = [text_task(language) for language in held_out]
        samples = harness.run_tasks(
            model, out / "tasks", names, chat=False, batch_size=harness.TEXT_BATCH, title=f"{system}: texts"
        )
        for language in held_out:
            of_language = samples[text_task(language)]
            likelihoods = [float(sample["filtered_resps"][0]) for sample in of_language]
            sizes = [len(sample["doc"]["text"].encode()) for sample in of_language]
            result["bits_per_byte"][language] = bits_per_byte(likelihoods, sizes)
    if rows:
        names = [translation_task(direction) for direction in rows]
        samples = harness.run_tasks(
            model, out / "tasks", names, chat=True, batch_size=settings.batch_size, title=f"{system}: answers"
        )
        ended: list[bool] = []
        behaved: dict[str, dict[str, list[bool]]] = {}
        for direction in rows:
            answers = [_answer(model, direction, sample) for sample in samples[translation_task(direction)]]
            ended += [answer["stopped"] for answer in answers]
            result["translation"][direction] = _translation(out, system, direction, answers)
            behaved[direction] = behaviour(answers, split_direction(direction)[1], identifier)
        result["behaviour"] = summed(behaved)
        result["stopping"] = {"share": round(sum(ended) / len(ended), 4), "answers": len(ended)}
    if settings.mode_switch is not None and identifier is not None:
        profile = recipe.profile
        told = probe(
            model.model, model.tokenizer, profile.probe_prompts, profile.code, identifier, settings.mode_switch, system
        )
        write_jsonl(out / "hypotheses" / f"{system}.mode_switch.jsonl", told)
        result["mode_switch"] = shares(told)
    return result


def _answer(model: Any, direction: str, sample: dict[str, Any]) -> dict[str, Any]:
    source, target = split_direction(direction)
    document = sample["doc"]
    return {
        "id": document["id"],
        "source": document[source],
        "reference": document[target],
        "hypothesis": sample["filtered_resps"][0].strip(),
        "raw": sample["resps"][0][0],
        "stopped": model.stopped(sample["arguments"][0][0]),
    }


def _translation(out: Path, system: str, direction: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Save the answers and score them."""
    write_jsonl(out / "hypotheses" / f"{system}.{direction}.jsonl", answers)
    return translation_scores([a["hypothesis"] for a in answers], [a["reference"] for a in answers])
