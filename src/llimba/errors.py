"""The errors meant for the person at the keyboard.

Each says what is wrong, where it was set and what to do next. The command line prints them as one paragraph and
exits with the class's code; anything else that escapes is a bug of ours and keeps its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class LlimbaError(Exception):
    """What the user can fix. `exit_code` is what the command line exits with."""

    exit_code = 2


class RecipeError(LlimbaError):
    """The recipe, a language profile or a `--set` is wrong; found before any work is done."""


class StageError(LlimbaError):
    """A stage cannot go on: data missing, empty or unfit. Finished stages keep their folders."""


class Unavailable(StageError):
    """Something from outside (a client, a package) is not to be had on this machine; another recipe may do."""


class DiskRefused(StageError):
    """The disk is full, read-only or forbidden; what was whole before still is (exit code 74, EX_IOERR)."""

    exit_code = 74


class Interrupted(LlimbaError):
    """Stopped on request with everything saved: the same command continues (exit code 75, EX_TEMPFAIL)."""

    exit_code = 75


@contextmanager
def set_at(key: str) -> Iterator[None]:
    """Say where in the recipe a fault was set that what is called cannot know: several stages may call it."""
    try:
        yield
    except StageError as error:
        raise type(error)(f"{key}: {error}") from error
