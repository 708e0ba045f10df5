"""What the commands share: the application, the options that several take, the model they name, what prints."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llimba.errors import LlimbaError
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe

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
Runs = Annotated[Path, typer.Option("--runs", help="The folder that holds every stage's output.")]

# a log or a pipe has no width of its own: the table needs 100 columns
stdout = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)


def say(text: str, console: Console = stdout) -> None:
    """Print text as it is: it may quote what others wrote, so it has no markup, and its lines are not broken."""
    console.print(text, markup=False, soft_wrap=True)


def model_folder(named: Path, runs: Path) -> Path:
    """The folder of a finished model, named itself or by the recipe that made it; raises `LlimbaError` for none."""
    if named.suffix not in (".yaml", ".yml"):
        if not named.is_dir():
            raise LlimbaError(f"{named}: there is no such folder. Give a model folder, or the recipe that made one.")
        return named
    return runner.finished_folders(load_recipe(named), runs, "publish", "finished model")["publish"] / "model"
