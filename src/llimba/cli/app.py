"""What the commands share: the application, the options that several take, the model they name, what prints."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llimba import progress
from llimba.errors import LlimbaError
from llimba.manifest import MANIFEST
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe
from llimba.stages.folders import PublishedFolder

app = typer.Typer(
    help="Teach an instruct language model a language it does not know. Start with: llimba run recipes/demo.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

RecipePath = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", metavar="RECIPE")]
ModelOrRecipe = Annotated[
    Path, typer.Argument(help="A model folder, or the recipe that made one.", metavar="MODEL|RECIPE")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value, e.g. --set cpt.learning_rate=1e-4. Repeatable."),
]
Stage = Annotated[
    str | None,
    typer.Option("--stage", help="cpt: the checkpoint before instruction tuning; default: the finished model."),
]
Runs = Annotated[Path, typer.Option("--runs", help="The folder that holds every stage's output.")]

# a log or a pipe has no width of its own: the table needs 100 columns
stdout = progress.plain_console(width=None if sys.stdout.isatty() else 120)


def say(text: str, console: Console = stdout) -> None:
    """Print text as it is: it may quote what others wrote. Its lines are not broken, control characters are shown."""
    console.print(text.translate(progress.CONTROL), soft_wrap=True)


def is_recipe(named: Path) -> bool:
    """Whether an argument that may be a folder names a recipe."""
    return named.suffix in (".yaml", ".yml")


def model_folder(named: Path, runs: Path, overrides: list[str] | None, stage: str | None) -> Path:
    """The folder of a finished model, or of the checkpoint after `stage`: named itself, or by its stage or recipe.

    Raises `LlimbaError` where there is none.
    """
    if not is_recipe(named):
        if overrides:
            raise LlimbaError(f"--set changes a recipe, and {named} is a folder. Leave --set out, or name the recipe.")
        if not named.is_dir():
            raise LlimbaError(f"{named}: there is no such folder. Give a model folder, or the recipe that made one.")
        if (named / MANIFEST).exists():
            return _published(PublishedFolder(named), stage)
        return named
    recipe = load_recipe(named, overrides or [])
    folders = runner.finished_folders(recipe, runs, "publish", "finished model")
    return _published(PublishedFolder(folders["publish"]), None if stage == recipe.trains[-1] else stage)


def _published(folder: PublishedFolder, stage: str | None) -> Path:
    """The model of a stage's folder that `--stage` names."""
    found = {None: folder.model, "cpt": folder.cpt}.get(stage)
    if found is None or not found.is_dir():
        there = "cpt" if folder.cpt.is_dir() else "no other than the finished one: leave --stage out"
        raise LlimbaError(f"--stage {stage}: {folder.path} has no such model; there is {there}.")
    return found
