"""Stage 6, `evaluate`: base, CPT and SFT model (those there are) on the same held-out text, next to a plain copy.

Leaves `scores.json`, every answer under `hypotheses/`, and the harness's task files under `tasks/`.
"""

from importlib.metadata import version
from pathlib import Path

from llimba.files import sha256
from llimba.manifest import Json
from llimba.models.base_model import base_folder
from llimba.recipe import Recipe
from llimba.reports.evaluated import EvaluatedFolder
from llimba.reports.scores import Conditions, Scores
from llimba.reports.training_facts import TrainedFolder
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.baselines import copy_scores, engine_scores, published_scores
from llimba.stages.evaluate.cache import cached_scores
from llimba.stages.evaluate.decoding import decoded
from llimba.stages.evaluate.facts import CONFIDENT, read_facts, task_rows
from llimba.stages.evaluate.instructions import instructions
from llimba.stages.evaluate.measure_model import CLOZE, QUESTIONS, Asked
from llimba.stages.evaluate.metrics import signatures
from llimba.stages.evaluate.scored_sets import scored_sets
from llimba.stages.evaluate.selection import few_shot, references, sentences, texts
from llimba.stages.evaluate.tasks import point_tasks_to, wording, write_questions, write_references, write_tasks
from llimba.stages.folders import CorpusFolder

SYSTEMS = "systems"  # the folder beside the stages' with what each model said


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Score the base model and those that the recipe trained, but none that was scored before; returns the scores."""
    trained = {stage: TrainedFolder(inputs[stage]).model for stage in recipe.trains}
    base, *origin = map(base_folder, recipe.base_models)
    untrained = {"base": origin[0], "cpt": base} if origin else {"base": base}
    folders = {**untrained, **trained}
    scores = score_models(recipe, CorpusFolder(inputs["corpus"]), folders, out, out.parent.parent / SYSTEMS)
    return scores.to_json()


def score_models(recipe: Recipe, corpus: CorpusFolder, folders: dict[str, Path], out: Path, store: Path) -> Scores:
    """Score any model folders, by name, on what the recipe's corpus has set aside; writes and returns the scores.

    What was scored before is found in `store`.
    """
    directions = recipe.evaluate.directions
    published = [table for table in recipe.published if published_scores([table], directions)]
    settings, asked = recipe.evaluate, _asked(recipe, corpus)
    tasks, folder = out / "tasks", EvaluatedFolder(out)
    write_tasks(tasks, asked.rows, asked.held_out, recipe.profile, settings, asked.examples)
    write_references(tasks, asked.references, recipe.profile)
    for name, cloze in ((QUESTIONS, False), (CLOZE, True)):
        if questions := task_rows(asked.facts, cloze=cloze):
            write_questions(tasks, name, questions)
    systems = {"copy": copy_scores(asked.rows, folder), **engine_scores(recipe, asked.rows, folder)}
    for system, model in folders.items():
        systems[system] = cached_scores(recipe, system, model, asked, tasks, folder, store)
    systems |= decoded(recipe, folders, asked.rows, folder)
    systems |= published_scores(published, directions)
    sets = scored_sets(recipe, asked.rows, asked.held_out)
    scores = Scores(systems=systems, conditions=_conditions(recipe), published=published, sets=sets)
    point_tasks_to(tasks, out.with_name(out.name.removesuffix(".partial")) / tasks.name)
    folder.write(scores)
    return scores


def _conditions(recipe: Recipe) -> Conditions:
    settings = recipe.evaluate
    word = wording(settings, recipe.profile)
    return Conditions(
        signatures=signatures(),
        prompt=word(settings.directions[0], "...") if settings.directions else "",
        prompt_form=settings.prompt,
        num_fewshot=settings.num_fewshot,
        precision=harness.choose_precision(settings.precision)[0],
        max_new_tokens=settings.max_new_tokens,
        window=harness.WINDOW,
        answer="the first line that is not empty, greedy",
        harness=f"lm-evaluation-harness {version('lm_eval')}",
        confidence_percent=95,
        confident=CONFIDENT,
    )


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
