"""The command line, one file per command. Text for the user is printed here and nowhere else.

Heavy libraries are imported by the functions that need them, so that `llimba --help` answers at once.
"""

import logging
import os
import sys
import time

from rich.text import Text

from llimba import processes, progress

# each adds its command, in the order of the help page
from llimba.cli import (  # noqa: F401
    chat,
    choose,
    compare,
    corpus,
    evaluate,
    export,
    interpolate,
    new,
    plan,
    push,
    run,
    serve,
    sweep,
    translate,
    web,
)  # fmt: skip
from llimba.cli.app import app
from llimba.errors import LlimbaError

__all__ = ["app", "main"]


def main() -> None:
    """Entry point: what the user can fix is one paragraph and an exit code, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_ConsoleHandler()])
    logging.getLogger("llimba").setLevel(logging.INFO if processes.is_main() else logging.ERROR)
    for noisy in ("torchao", "torch.utils._pytree"):  # torchao warns of kernels for other machines whenever it is there
        logging.getLogger(noisy).setLevel(logging.ERROR)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")  # the libraries' own bars: ours say what matters
    try:
        app()
    except LlimbaError as error:
        said = Text.assemble(("llimba:", "bold red"), " ", str(error).translate(progress.CONTROL))
        progress.console.print(said, soft_wrap=True)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == 130:  # typer has turned KeyboardInterrupt into this
            progress.console.print("llimba: stopped. Finished stages are kept; run the same command to continue.")
        raise


class _ConsoleHandler(logging.Handler):
    """One line a message, time first, through the console that draws the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        progress.console.print(f"{moment} {record.getMessage().translate(progress.CONTROL)}", soft_wrap=True)
