"""Stage 6, `evaluate`: base, CPT and SFT model on the same held-out text, beside a do-nothing copy.

Leaves `scores.json`, every answer under `hypotheses/`, and the harness's task files under `tasks/`.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from llimba.files import sha256, write_json
from llimba.models.base_model import base_folder
from llimba.recipe import Recipe
from llimba.stages.evaluate import baselines, harness
from llimba.stages.evaluate.behaviour import KINDS
from llimba.stages.evaluate.cache import scored_once
from llimba.stages.evaluate.decoding import decoded
from llimba.stages.evaluate.facts import CONFIDENT, read_facts, task_rows
from llimba.stages.evaluate.instructions import instructions
from llimba.stages.evaluate.measure_model import CLOZE, QUESTIONS, Asked
from llimba.stages.evaluate.metrics import signatures
from llimba.stages.evaluate.selection import few_shot, references, sentences, texts
from llimba.stages.evaluate.tasks import point_tasks_to, wording, write_questions, write_references, write_tasks
from llimba.stages.folders import CorpusFolder

SYSTEMS = "systems"  # the folder beside the stages' with what each model said
PROBES = ("translation_bits_per_byte", "mode_switch", "instructions", "facts")  # each where the recipe asks for it


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Score base, CPT and SFT model; one that was scored before is not asked again. Returns the scores."""
    folders = {
        "base": base_folder(recipe.base_model),
        **({"cpt": inputs["cpt"] / "model"} if "cpt" in inputs else {}),
        "sft": inputs["sft"] / "model",
    }
    return score_models(recipe, CorpusFolder(inputs["corpus"]), folders, out, out.parent.parent / SYSTEMS)


def score_models(
    recipe: Recipe, corpus: CorpusFolder, folders: dict[str, Path], out: Path, store: Path
) -> dict[str, Any]:
    """Score any model folders, by name, on what the recipe's corpus has set aside; writes and returns the scores.

    What was scored before is found in `store`.
    """
    settings = recipe.evaluate
    published = baselines.published(settings.published)
    asked = _asked(recipe, corpus)
    tasks = out / "tasks"
    write_tasks(tasks, asked.rows, asked.held_out, recipe.profile, settings, asked.examples)
    write_references(tasks, asked.references, recipe.profile)
    for name, cloze in ((QUESTIONS, False), (CLOZE, True)):
        if questions := task_rows(asked.facts, cloze=cloze):
            write_questions(tasks, name, questions)
    results = {"copy": baselines.copy(asked.rows, out), **baselines.engines(recipe, asked.rows, out)}
    for system, folder in folders.items():
        results[system] = scored_once(recipe, system, folder, asked, tasks, out, store)
    measured = {system: results[system] for system in folders}
    results |= decoded(recipe, folders, asked.rows, out)
    results |= baselines.published_systems(published, settings.directions)
    word = wording(settings, recipe.profile)
    scores = {
        "systems": list(results),
        "bits_per_byte": {system: result["bits_per_byte"] for system, result in measured.items()},
        "translation": {system: result["translation"] for system, result in results.items()},
        "stopping": {system: result["stopping"] for system, result in results.items() if "stopping" in result},
        "kinds": KINDS,
        "confidence_percent": 95,
        "behaviour": {system: result["behaviour"] for system, result in results.items() if "behaviour" in result},
        "decoding": {system: result["how"] for system, result in results.items() if "how" in result},
        **{probe: {s: r[probe] for s, r in measured.items() if probe in r} for probe in PROBES},
        "confident": CONFIDENT,
        "published": [table.model_dump(exclude={"systems"}) for table in published.values()],
        "seconds": {system: result["seconds"] for system, result in measured.items()},
        "batch_size": {s: r["batch_size"] for s, r in measured.items() if "batch_size" in r},
        "signatures": signatures(),
        "prompt": word(settings.directions[0], "...") if settings.directions else "",
        "prompt_form": settings.prompt,
        "num_fewshot": settings.num_fewshot,
        "precision": harness.choose_precision(settings.precision)[0],
        "max_new_tokens": settings.max_new_tokens,
        "window": harness.WINDOW,
        "answer": "the first line that is not empty, greedy",
        "harness": f"lm-evaluation-harness {version('lm_eval')}",
    }
    point_tasks_to(tasks, out.with_name(out.name.removesuffix(".partial")) / tasks.name)
    write_json(out / "scores.json", scores)
    return scores


def _asked(recipe: Recipe, corpus: CorpusFolder) -> Asked:
    """Sentences, texts, questions and instructions, chosen once for every model."""
    settings, identifier = recipe.evaluate, corpus.identifier()
    pairs = list(corpus.evaluation())
    return Asked(
        references=references(pairs, settings, recipe.seed),
        examples=few_shot(corpus.pairs(), settings, recipe.seed),
        rows=sentences(pairs, settings, recipe.seed),
        held_out=texts(corpus.held_out(), settings, recipe.seed),
        facts=read_facts(settings.facts) if settings.facts else [],
        instructions=instructions(
            recipe.profile, settings.languages, settings.instructions, identified=identifier is not None
        ),
        identifier=identifier,
        identifier_digest=sha256(corpus.identifier_file) if identifier is not None else "",
    )
