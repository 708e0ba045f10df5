"""What the commands share: the application, the options that several take, and the console they print to."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(
    help="Teach an instruct language model a language it does not know. Start with: llimba run recipes/demo.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

RecipePath = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", metavar="RECIPE")]
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
