"""Every question to the hub goes through here: asked again a few times where that may help, then one plain sentence.

huggingface_hub retries some requests itself, not all of them, and not a connection that is cut in mid-download; what it
raises in the end is a transport error, a status or a missing cache entry, each of its own family.
"""

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from llimba.errors import StageError, Unavailable

logger = logging.getLogger(__name__)

WAITS = (1.0, 4.0, 15.0)  # seconds before it is asked again
LONGEST = 60.0  # seconds that a hub which is asked too often may ask for
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)  # the runner explains these

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, for errors."""

    key: str  # where the recipe names it, e.g. sources.corpus.dataset
    dataset: str
    revision: str = "main"

    def __call__(self, question: Callable[[], T], again: bool = True) -> T:
        """The answer; raises `StageError` where the recipe or the login is to blame, `Unavailable` where the hub is.

        `again`: whether it is asked again; not where huggingface_hub does so itself.
        """
        from huggingface_hub.errors import EntryNotFoundError, HTTPError, RevisionResolutionError

        expected = (HTTPError, EntryNotFoundError, RevisionResolutionError, OSError, EOFError, ValueError)
        for wait in (*WAITS, None) if again else (None,):
            try:
                return question()
            except expected as error:
                if isinstance(error, OSError) and error.errno in DISK:
                    raise
                cause = _cause(error)
                if wait is None or not _may_pass(cause):
                    self.explain(cause)
                seconds = max(wait, _asked_to_wait(cause))
                logger.info("  %s: %s; asked again in %.0f s", self.dataset, _what(cause), seconds)
                time.sleep(seconds)
        raise AssertionError("the last try returns or raises")

    def explain(self, error: Exception) -> NoReturn:
        """Raise what a person can do about an error of the hub or of its cache."""
        from huggingface_hub import get_token
        from huggingface_hub.constants import ENDPOINT, is_offline_mode
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HFValidationError,
            OfflineModeIsEnabled,
            RemoteEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
            RevisionResolutionError,
        )

        start, page = f"{self.key}: {self.dataset}", f"{ENDPOINT}/datasets/{self.dataset}"
        status = _status(error)
        if isinstance(error, GatedRepoError) or status == 403:
            login = "" if get_token() else "log in with `hf auth login`, "
            said = (
                f"{start} is gated, and {'this login has no access' if not login else 'nobody is logged in'}. Ask for "
                f"access at {page}, {login}then run the same command again (some owners grant it by hand, within days)."
            )
            raise StageError(said) from error
        if isinstance(error, RevisionNotFoundError):
            said = f"{start} has no revision '{self.revision}'. Correct or remove revision."
            raise StageError(said) from error
        if status == 401 and not isinstance(error, RepositoryNotFoundError):
            said = f"{start}: the hub refuses this login (401). Log in anew with `hf auth login`, or correct HF_TOKEN."
            raise StageError(said) from error
        if isinstance(error, RepositoryNotFoundError):
            said = (
                f"{start} is not on the hub, or is private. Correct the id ({page}), or log in with `hf auth login` "
                "as somebody who may read it."
            )
            raise StageError(said) from error
        missing = isinstance(error, EntryNotFoundError | RevisionResolutionError) and is_offline_mode()
        if isinstance(error, OfflineModeIsEnabled) or missing:
            said = (
                f"{start} is not in the hub's cache, and HF_HUB_OFFLINE=1 forbids asking for it. Run once without it, "
                f"or on a machine with a network: hf download --repo-type dataset {self.dataset}"
            )
            raise Unavailable(said) from error
        if isinstance(error, HFValidationError):
            raise StageError(f"{start} is no id of the hub: it is OWNER/NAME, or a folder that exists.") from error
        if isinstance(error, RemoteEntryNotFoundError):
            raise StageError(f"{start} lacks a file that its own list names ({_first_line(error)}).") from error
        if isinstance(error, EntryNotFoundError):
            said = (
                f"{start}: a file is not in the hub's cache, and the hub cannot be asked. Run it once with a network."
            )
            raise Unavailable(said) from error
        often = ", several times" if _may_pass(error) else ""
        raise Unavailable(
            f"{start} cannot be read: {_what(error)}{often}. Run the same command again later: it continues after "
            "the files that came whole."
        ) from error


def _cause(error: Exception) -> Exception:
    """What lies behind "not in the cache either", which huggingface_hub says whatever went wrong."""
    from huggingface_hub.errors import LocalEntryNotFoundError, RevisionResolutionError

    behind = error.__cause__
    wrapped = isinstance(error, LocalEntryNotFoundError | RevisionResolutionError)
    return _cause(behind) if wrapped and isinstance(behind, Exception) else error


def _status(error: Exception) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _may_pass(error: Exception) -> bool:
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return False
    if status := _status(error):
        return status in (408, 429) or status >= 500
    return isinstance(error, HTTPError | ConnectionError | TimeoutError | EOFError) or type(error) is OSError


def _asked_to_wait(error: Exception) -> float:
    """Seconds, as a hub that is asked too often says them."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    said = str(headers.get("Retry-After", ""))
    return min(float(said), LONGEST) if said.isdecimal() else 0.0


def _what(error: Exception) -> str:
    if status := _status(error):
        reasons = {429: "it is asked too often (429)", 408: "it took too long (408)"}
        return reasons.get(status, f"the hub answered {status}")
    if "Timeout" in type(error).__name__:
        return f"no answer in time ({type(error).__name__})"
    return f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")[:200]
