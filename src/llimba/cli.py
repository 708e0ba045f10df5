"""The command line: `llimba run`, `llimba plan`, `llimba compare`. Text for people is printed here and nowhere else.

Heavy libraries are imported by the functions that need them, so that `llimba --help` answers at once.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from llimba import processes, progress, runner
from llimba.errors import LlimbaError, StageError, Unavailable
from llimba.recipe import Recipe
from llimba.recipe_file import load_recipe

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

STATE_STYLE = {"done": "green", "partial": "yellow", "stale": "yellow", "missing": "dim"}


@app.command(epilog="Example: llimba run recipes/demo.yaml --until corpus --set corpus.min_words=5")
def run(
    recipe: RecipePath,
    until: Annotated[str | None, typer.Option(help="The last stage to run.")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
    fallback: Annotated[
        Path | None, typer.Option(help="A recipe to run instead where this machine lacks a package or its client.")
    ] = None,
) -> None:
    """Run every stage of a recipe that is not done yet. Stopped at any moment, the same command goes on."""
    loaded = load_recipe(recipe, set_ or [])
    try:
        steps = runner.run(loaded, runs, until)
    except Unavailable as error:
        if fallback is None:
            raise
        progress.console.print(f"{escape(str(error))}\nRunning {fallback} instead.", soft_wrap=True)
        loaded = load_recipe(fallback, set_ or [])
        steps = runner.run(loaded, runs, until)
    if not processes.is_main():
        return
    folders = {step.stage.name: step.folder for step in steps if step.state == "done"}
    if "evaluate" in folders:
        _print_table([(loaded, folders["evaluate"])])
    if "publish" in folders:
        model = folders["publish"] / "model"
        stdout.print(f"\nmodel       {model}\nmodel card  {model / 'README.md'}\nloss curve  {model / 'loss.png'}")


@app.command(epilog="Example: llimba plan recipes/llimba-3b.yaml --card rtx4090")
def plan(
    recipe: RecipePath,
    card: Annotated[str | None, typer.Option(help="A GPU to plan for, e.g. rtx4090; default: what is here.")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is done, what a run would do, and what its training needs: memory, time, disk. Touches nothing."""
    loaded = load_recipe(recipe, set_ or [])
    steps = runner.plan(loaded, runs)
    unknown = ""
    try:
        estimates = runner.estimates(loaded, runs, card)
    except StageError as error:
        estimates, unknown = {}, str(error)
    if as_json:
        rows = [
            {
                "stage": step.stage.name,
                "needs": step.stage.needs,
                "state": step.state,
                "why": step.why,
                "folder": str(step.folder),
                "settings": step.ingredients["section"],
                "estimate": estimates.get(step.stage.name),
            }
            for step in steps
        ]
        typer.echo(json.dumps({"recipe": loaded.name, "stages": rows}, ensure_ascii=False, indent=2))
        return
    tree = Tree(
        f"[bold]{loaded.name}[/] ({recipe}): {loaded.base_model.name} learns "
        f"{loaded.profile.name(loaded.profile.code, 'en')}"
    )
    for step in steps:
        needs = f"  [dim]reads {', '.join(step.stage.needs)}[/]" if step.stage.needs else ""
        why = f"  {step.why}" if step.why else ""
        branch = tree.add(f"[bold]{step.stage.name}[/]  [{STATE_STYLE[step.state]}]{step.state}[/]{why}{needs}")
        branch.add(f"[dim]{step.folder}[/]")
        branch.add(_settings(step.ingredients["section"]))
    stdout.print(tree)
    if estimates:
        from llimba.plan_table import table

        stdout.print(table(estimates))
    else:
        stdout.print(f"memory and time: {escape(unknown)}")


@app.command(epilog="Example: llimba compare recipes/demo.yaml recipes/demo-lora.yaml")
def compare(
    recipes: Annotated[list[Path], typer.Argument(help="Recipes that have been run.", metavar="RECIPE...")],
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """The scores of finished recipes side by side."""
    evaluated = []
    for path in recipes:
        loaded = load_recipe(path)
        step = next(step for step in runner.plan(loaded, runs) if step.stage.name == "evaluate")
        if step.state != "done":
            raise LlimbaError(f"{path} has no scores yet ({step.state}: {step.why}). Run: llimba run {path}")
        evaluated.append((loaded, step.folder))
    if as_json:
        from llimba.compare import load_scores

        scores = {recipe.name: load_scores(folder) for recipe, folder in evaluated}
        typer.echo(json.dumps(scores, ensure_ascii=False, indent=2))
    else:
        _print_table(evaluated)


def main() -> None:
    """Entry point: what the user can mend is one paragraph and an exit code, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_ConsoleHandler()])
    logging.getLogger("llimba").setLevel(logging.INFO if processes.is_main() else logging.ERROR)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")  # the libraries' own bars: ours say what matters
    try:
        app()
    except LlimbaError as error:
        progress.console.print(f"[bold red]llimba:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        progress.console.print("llimba: stopped. Finished stages are kept; run the same command to go on.")
        sys.exit(130)


class _ConsoleHandler(logging.Handler):
    """One line a message, time first, through the console that draws the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        progress.console.print(f"{moment} {record.getMessage()}", markup=False, soft_wrap=True)


def _print_table(evaluated: list[tuple[Recipe, Path]]) -> None:
    from llimba.compare import load_scores, table

    rendered: Table = table([(recipe, load_scores(folder)) for recipe, folder in evaluated])
    stdout.print(rendered)


def _settings(section: Any) -> str:
    """A section's settings on one line, sources by name."""
    if isinstance(section, dict) and all(isinstance(value, dict) and "kind" in value for value in section.values()):
        return ", ".join(f"{name} ({value['kind']})" for name, value in section.items())
    return ", ".join(f"{key}={value}" for key, value in section.items() if value not in (None, [], {}))


# a log or a pipe has no width of its own: the table needs 100 columns
stdout = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)
