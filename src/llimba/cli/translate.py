"""`llimba translate`: lines, files and JSON lines through a finished model."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Annotated

import typer

from llimba import progress
from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder
from llimba.errors import LlimbaError
from llimba.files import replacing
from llimba.models.loading import open_model
from llimba.use import lines
from llimba.use.glossary import read_glossary
from llimba.use.translate import LineTranslation, Translator

MOST_BYTES = 64 * 2**20  # of one input; larger ones are better split, so that a stop costs little


@app.command(epilog="Example: llimba translate recipes/demo.yaml --from it --to sc letter.txt --output litera.txt")
def translate(
    model: ModelOrRecipe,
    file: Annotated[
        Path | None, typer.Argument(help="Text, or .jsonl; default: standard input.", metavar="FILE")
    ] = None,
    source: Annotated[str, typer.Option("--from", help="Language code of the text.")] = "",
    target: Annotated[str, typer.Option("--to", help="Language code of the translation.")] = "",
    output: Annotated[Path | None, typer.Option(help="Where it goes; default: standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--jsonl", help="Input is JSON lines (so is a file called .jsonl).")] = False,
    field: Annotated[str, typer.Option(help="The field of each JSON object to translate.")] = "text",
    glossary: Annotated[Path | None, typer.Option(help="A file of fixed terms: term, tab, translation.")] = None,
    force: Annotated[bool, typer.Option("--force-glossary", help="Put the glossary's missing terms in.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Lines translated at once.")] = 8,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="A translation is cut here.")] = 256,
    profile: Annotated[str | None, typer.Option(help="A language profile, where the folder has none.")] = None,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Translate line by line: a line of the output for every line of the input, empty lines kept."""
    if not source or not target:
        raise LlimbaError("translate: say the direction, e.g. --from it --to sc.")
    if force and glossary is None:
        raise LlimbaError("translate: --force-glossary needs --glossary FILE.")
    folder = model_folder(model, runs, set_, stage)
    terms = read_glossary(glossary) if glossary else []
    json_lines = as_json or (file is not None and file.suffix == ".jsonl")
    given = lines.read(_text(file), field if json_lines else None)
    translator = Translator(
        open_model(folder, profile),
        source,
        target,
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        glossary=terms,
        forced=force,
    )
    translator.check(given.lines)
    cut: list[int] = []
    lacking: list[str] = []

    def counted() -> Iterator[LineTranslation]:
        for number, one in enumerate(translator.translate(given.lines), 1):
            bar.advance()
            if not one.stopped:
                cut.append(number)
            lacking.extend(f"line {number}: {term.source} = {term.target}" for term in one.missing)
            yield one

    with progress.bar("translating", len(given.lines), "lines") as bar, _opened(output) as handle:
        for line in lines.written(given, counted()):
            handle.write(line + "\n")
            handle.flush()
    say = progress.console.print
    if cut:
        say(f"cut at {max_new_tokens} tokens: line {', '.join(map(str, cut[:10]))}{' ...' if len(cut) > 10 else ''}")
    if terms:
        say(f"glossary: {len(lacking)} terms are missing", *lacking[:20], sep="\n  ")


def _text(file: Path | None) -> str:
    """The whole input; raises `LlimbaError` where it is too large, missing, or not UTF-8."""
    try:
        if file is None or str(file) == "-":
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as handle:
                raw = handle.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise LlimbaError(f"translate: the input has more than {MOST_BYTES // 2**20} MiB; split it.")
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LlimbaError(f"translate: {file or 'standard input'} cannot be read as UTF-8 text ({error}).") from error


def _opened(output: Path | None) -> AbstractContextManager[IO[str]]:
    """Where translations go: a file that appears when it is complete, or standard output."""
    return nullcontext(sys.stdout) if output is None else replacing(output)
