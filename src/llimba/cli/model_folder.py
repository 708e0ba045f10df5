"""MODEL|RECIPE: the folder of a finished model, named itself or by the recipe that made it."""

from pathlib import Path
from typing import Annotated

import typer

from llimba.errors import LlimbaError
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe

ModelOrRecipe = Annotated[
    Path, typer.Argument(help="A model folder, or the recipe that made one.", metavar="MODEL|RECIPE")
]


def model_folder(named: Path, runs: Path) -> Path:
    """The folder to open; raises `LlimbaError` where there is none yet."""
    if named.suffix not in (".yaml", ".yml"):
        if not named.is_dir():
            raise LlimbaError(f"{named}: there is no such folder. Give a model folder, or the recipe that made one.")
        return named
    return runner.finished_folders(load_recipe(named), runs, "publish", "finished model")["publish"] / "model"
