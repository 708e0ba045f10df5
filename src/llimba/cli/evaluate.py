"""`llimba evaluate`: score any model folder or hub id on what a recipe sets aside, without training it."""

from pathlib import Path
from typing import Annotated

import typer

from llimba.cli.app import Runs, Set, app, stdout
from llimba.cli.compare import print_scores
from llimba.pipeline import runner
from llimba.recipe import BaseModelSection
from llimba.recipe.file import load_recipe


@app.command(epilog="Example: llimba evaluate runs/sft/0123456789abcdef/model --recipe recipes/demo.yaml")
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or the id of a model on the hub.", metavar="MODEL")],
    recipe: Annotated[Path, typer.Option(help="Says what is scored: evaluation sources, directions, languages.")],
    out: Annotated[Path | None, typer.Option(help="Where scores and answers go; default: RUNS/evaluations/...")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Score a model beside a do-nothing copy; every answer is saved. Sources and corpus are made first if needed."""
    from llimba.files import fingerprint
    from llimba.models.base_model import base_folder
    from llimba.stages.evaluate.stage import SYSTEMS, score_models
    from llimba.stages.folders import CorpusFolder

    loaded = load_recipe(recipe, set_ or [])
    local = Path(model)
    named = BaseModelSection(
        name=model, license="unknown", **({"folder": local.resolve()} if local.is_dir() else {"hub": model})
    )
    corpus = next(step for step in runner.run(loaded, runs, until="corpus") if step.stage.name == "corpus")
    asked = [model, corpus.fingerprint, loaded.evaluate.model_dump(mode="json")]
    folder = out or runs / "evaluations" / f"{local.name}-{fingerprint(asked)}"
    scores = score_models(loaded, CorpusFolder(corpus.folder), {"model": base_folder(named)}, folder, runs / SYSTEMS)
    print_scores([(loaded, scores)])
    stdout.print(f"{folder}/scores.json; every answer under {folder}/hypotheses/", soft_wrap=True)
