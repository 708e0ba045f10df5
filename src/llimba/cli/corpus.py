"""`llimba corpus show` and `llimba corpus report`: what the corpus stage kept, and what it rejected and why."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from llimba.cli.app import RecipePath, Runs, Set, app, say, stdout
from llimba.files import file_name
from llimba.manifest import Json
from llimba.models.base_model import folder_at_hand
from llimba.models.loading import load_tokenizer
from llimba.pipeline import runner
from llimba.progress import CONTROL
from llimba.recipe import Recipe
from llimba.recipe.file import load_recipe
from llimba.stages.corpus.report import rejected_rows, shown_text, write_report
from llimba.stages.corpus.report import report as gather
from llimba.stages.folders import CorpusFolder, SourcesFolder

SAID = 5  # files of each outcome that the terminal names
corpus = typer.Typer(help="A recipe's corpus: samples of what was rejected, and a report.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")


@corpus.command(epilog="Example: llimba corpus show recipes/demo.yaml --rejected 'too short' --sample 20")
def show(
    recipe: RecipePath,
    rejected: Annotated[str | None, typer.Option(help="Only records rejected under this rule.")] = None,
    sample: Annotated[int, typer.Option(help="How many, spread over the whole file.", min=1)] = 10,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Print samples of what the corpus stage rejected, each with rule, value and threshold."""
    rows = rejected_rows(_folder(load_recipe(recipe, set_ or []), runs, unfinished=True), rejected, sample)
    if not rows:
        stdout.print("nothing was rejected")
    for row in rows:
        record, kept = row["record"], f" ({row['beside']} is kept)" if row.get("beside") else ""
        said = f"  {row['value']}, allowed {row['threshold']}{kept}"
        stdout.print(Text.assemble((row["rule"], "bold"), said.translate(CONTROL)))
        about = f"{record['source']}, {record['id']}, {record['provenance']}"
        stdout.print(about.translate(CONTROL), style="dim")
        stdout.print(shown_text(record).translate(CONTROL), end="\n\n")


@corpus.command(epilog="Example: llimba corpus report recipes/demo.yaml")
def report(
    recipe: RecipePath,
    out: Annotated[Path | None, typer.Option(help="The page; default: RUNS/reports/NAME-corpus.html.")] = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write a page (HTML, and JSON next to it) of what the corpus holds and what was lost on the way."""
    loaded = load_recipe(recipe, set_ or [])
    page = out or runs / "reports" / f"{file_name(loaded.name)}-corpus.html"
    base = folder_at_hand(loaded.base_model)
    folders = runner.finished_folders(loaded, runs, "corpus", "corpus")
    sources = SourcesFolder(folders["sources"]) if "sources" in folders else None
    found = gather(CorpusFolder(folders["corpus"]), load_tokenizer(base) if base is not None else None, sources)
    write_report(found, page)
    if found["reading"]:
        _say_files(found["reading"])
    say(f"{page}\n{page.with_suffix('.json')}")


def _say_files(reading: Json) -> None:
    """How many files came to what, and why the first of each that are not wholly in the corpus are not."""
    say("files: " + ", ".join(f"{number:,} {outcome}" for outcome, number in reading["outcomes"].items()))
    for outcome in reading["outcomes"]:
        rows = [row for row in reading["files"] if row["outcome"] == outcome and row["why"]]
        for row in rows[:SAID]:
            say(f"  {outcome}: {row['file']} ({row['source']}): {'; '.join(row['why'])}")
        if (more := reading["outcomes"][outcome] - SAID) > 0 and rows:
            say(f"  {outcome}: {more:,} more, on the page")


def _folder(recipe: Recipe, runs: Path, unfinished: bool = False) -> CorpusFolder:
    """The folder of the recipe's corpus; where `unfinished`, also that of a run that failed at its end."""
    step = next(step for step in runner.plan(recipe, runs) if step.stage.name == "corpus")
    if unfinished and step.state != "done" and (partial := CorpusFolder(step.partial)).rejected_file.exists():
        return partial
    return CorpusFolder(runner.finished_folders(recipe, runs, "corpus", "corpus")["corpus"])
