"""The seven stages, as one literal table.

A stage is a name, the stages whose folders it reads, what else of the recipe it uses, and a function
`run(recipe, inputs, out) -> facts`. Its name is also its package, its YAML section, its output folder and its test
folder. Stages meet only through folders on disk and never import one another. A stage that the recipe does
without (`cpt`, when training starts from a finished CPT checkpoint; `instruct` and `sft`, when the CPT checkpoint is
the result) is not run.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from llimba.manifest import Json
from llimba.models.hub_access import HubAccess
from llimba.recipe import Recipe
from llimba.recipe.needs import Needs
from llimba.reports.plan_table import Estimate
from llimba.stages.corpus.requirements import requirements as corpus_requires
from llimba.stages.corpus.stage import run as run_corpus
from llimba.stages.cpt.estimate import estimate as estimate_cpt
from llimba.stages.cpt.requirements import requirements as cpt_requires
from llimba.stages.cpt.stage import run as run_cpt
from llimba.stages.evaluate.requirements import requirements as evaluate_requires
from llimba.stages.evaluate.stage import run as run_evaluate
from llimba.stages.instruct.requirements import requirements as instruct_requires
from llimba.stages.instruct.stage import needs as instruct_needs
from llimba.stages.instruct.stage import run as run_instruct
from llimba.stages.publish.stage import run as run_publish
from llimba.stages.sft.estimate import estimate as estimate_sft
from llimba.stages.sft.examine import examine
from llimba.stages.sft.requirements import requirements as sft_requires
from llimba.stages.sft.stage import run as run_sft
from llimba.stages.sources.requirements import requirements as sources_requires
from llimba.stages.sources.stage import run as run_sources

Run = Callable[[Recipe, dict[str, Path], Path], Json]
Requires = Callable[[Recipe, Needs, HubAccess, str | None], None]
Estimator = Callable[[Recipe, dict[str, Path], str | None], Estimate]


class Check(Protocol):
    """What settles, before anything trains, whether a stage will be able to run."""

    def __call__(self, recipe: Recipe, folders: dict[str, Path], *, fetch: bool) -> list[str]:
        """What was settled, for people; `fetch`: whether the base model may be fetched. Raises `StageError`."""
        ...


def _not_of_cpt(recipe: Recipe) -> tuple[str, ...]:
    """What ends an answer changes nothing in a cpt that reads no conversation."""
    return () if recipe.cpt is not None and recipe.cpt.chat is not None else ("base_model.tokens.eos",)


class Stage(NamedTuple):
    """One row of the table."""

    name: str
    needs: tuple[str, ...]  # earlier stages whose folders it may read
    uses: tuple[str, ...]  # of the recipe, apart from its own section
    run: Run
    version: int = 1  # raised when the meaning of its output changes, so that old folders are not reused
    resumable: bool = False  # continues from what a killed run left in the .partial folder
    parallel: bool = False  # all processes of `accelerate launch` run it together; other stages run in the first alone
    estimate: Estimator | None = None  # what it will need on a card (None: this machine's), for `llimba plan`
    also_needs: Callable[[Recipe], tuple[str, ...]] = lambda recipe: ()  # further stages, where the recipe asks for it
    ignores: Callable[[Recipe], tuple[str, ...]] = lambda recipe: ()  # keys of what it uses that change nothing in it
    requires: Requires | None = None  # adds what it needs from outside and lacks, before anything of a run
    check: Check | None = None  # asked before the first stage that trains, where this one is to run too


# fmt: off
STAGES = (
    Stage("sources", (), (), run_sources, version=5, requires=sources_requires),
    Stage("corpus", ("sources",), ("language", "seed"), run_corpus,
          version=5, resumable=True, requires=corpus_requires),
    Stage("instruct", ("corpus",), ("language", "seed"), run_instruct,
          version=2, also_needs=instruct_needs, requires=instruct_requires),
    Stage("cpt", ("corpus",), ("language", "base_model", "seed"), run_cpt,
          version=3, resumable=True, parallel=True, estimate=estimate_cpt, ignores=_not_of_cpt,
          requires=cpt_requires),
    Stage("sft", ("corpus", "instruct", "cpt"), ("base_model", "seed"), run_sft,
          version=3, resumable=True, parallel=True, estimate=estimate_sft, check=examine,
          requires=sft_requires, ignores=lambda recipe: ("base_model.checkpoint_of",)),
    Stage("evaluate", ("corpus", "cpt", "sft"), ("language", "base_model", "seed"), run_evaluate,
          version=5, resumable=True, requires=evaluate_requires),
    Stage("publish", ("sources", "corpus", "instruct", "cpt", "sft", "evaluate"), ("language", "base_model"),
          run_publish, version=3),
)
# fmt: on


def stages_of(recipe: Recipe, table: Sequence[Stage] = STAGES) -> list[tuple[Stage, tuple[str, ...]]]:
    """The stages of a recipe with the stages that each reads, in the order they run; one without a section is not."""
    left = [stage for stage in table if recipe.runs(stage.name)]
    there = {stage.name for stage in left}
    needs = {s.name: tuple(n for n in (*s.needs, *s.also_needs(recipe)) if n in there) for s in left}
    ordered: list[Stage] = []
    while left:
        ready = next(stage for stage in left if set(needs[stage.name]) <= {done.name for done in ordered})
        ordered.append(ready)
        left.remove(ready)
    return [(stage, needs[stage.name]) for stage in ordered]
