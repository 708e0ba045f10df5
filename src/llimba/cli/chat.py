"""`llimba chat`: talk to a finished model in the terminal."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from llimba import progress
from llimba.cli.app import ModelOrRecipe, Runs, Set, Stage, app, model_folder, say, stdout
from llimba.errors import LlimbaError
from llimba.models.loading import open_model
from llimba.use.chat import Chat

HELP = "/reset forgets the conversation, /quit ends it (so does Ctrl-D); Ctrl-C stops an answer."


@app.command(epilog="Example: llimba chat recipes/demo.yaml --temperature 0.3")
def chat(
    model: ModelOrRecipe,
    system: Annotated[str | None, typer.Option(help="The system prompt; default: none.")] = None,
    temperature: Annotated[float, typer.Option(min=0.0, max=2.0, help="0 is greedy, 1 as uncertain as learned.")] = 0.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="An answer is cut here.")] = 256,
    profile: Annotated[str | None, typer.Option(help="A language profile, where the folder has none.")] = None,
    stage: Stage = None,
    set_: Set = None,
    runs: Runs = Path("runs"),
) -> None:
    """Talk to a finished model. Where the folder has an identifier, each answer's language is shown."""
    folder = model_folder(model, runs, set_, stage)
    opened = open_model(folder, profile)
    talk = Chat(opened, system=system, temperature=temperature, max_new_tokens=max_new_tokens)
    say(f"{folder}\n{HELP}", progress.console)
    interactive = sys.stdin.isatty()
    while True:
        if interactive:
            progress.console.print("\nyou ", style="bold", end="")
        line = sys.stdin.readline()
        if not line or line.strip() == "/quit":
            return
        if line.strip() == "/reset":
            talk.reset()
            continue
        if not line.strip():
            continue
        pieces: list[str] = []
        try:
            for piece in talk.answer(line.strip()):
                pieces.append(piece)
                stdout.out(_printable(piece), end="", highlight=False)
                sys.stdout.flush()
        except KeyboardInterrupt:
            pass  # the answer is cut short, the conversation continues
        except LlimbaError as error:
            say(f"llimba: {error}", progress.console)
            continue
        stdout.print()
        if language := opened.language_of("".join(pieces)):
            stdout.print(f"({opened.name_of(language)})", style="dim")


def _printable(text: str) -> str:
    """Without control characters: what a model writes must not steer a terminal."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")
