"""A tiny model loaded for the tests of `use`, and a server for one, as the command line runs it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llimba.languages.profile import PROFILES
from llimba.models.loading import LoadedModel, open_model
from tests.fakes import save_tiny_model

SARDINIAN = (PROFILES / "srd.yaml").read_text(encoding="utf-8")


def folder(path: Path, profile: str = SARDINIAN) -> Path:
    """A published folder: tiny random weights, and a language profile beside them."""
    save_tiny_model(path)
    (path / "language.yaml").write_text(profile, encoding="utf-8")
    return path


def opened(path: Path, **changes: Any) -> LoadedModel:
    """That folder, opened; in fp32, so that batches do not change an answer."""
    found = open_model(folder(path))
    # random weights repeat the last token of the prompt, a newline: then every translation would be empty
    newline = found.tokenizer.encode("\n", add_special_tokens=False)
    found.model.generation_config.suppress_tokens = newline
    return found._replace(model=found.model.float(), **changes)


@contextmanager
def listening_at(app: Any) -> Iterator[int]:
    """Serve an ASGI application on loopback while the block runs; yields its port."""
    from llimba.use.serving.listening import bound, server

    running, at = server(app), bound("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [at]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    try:
        yield at.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join(10)
