"""A client process: each line of its input is a source, each line of its output what reading it gave.

huggingface_hub reads HF_ENDPOINT and HF_HOME once, when it is imported.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any


class Reader:
    """Asks the process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, dataset: str, **settings: Any) -> dict[str, Any]:
        """records, skipped, quarantined, first_quarantined, revision, and error ("" or its class and words)."""
        assert self._process.stdin is not None and self._process.stdout is not None
        source = {"kind": "hub", "license": "x", "dataset": dataset, **settings}
        self._process.stdin.write(json.dumps(source) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the client died: a traceback is above"
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def reader(environment: dict[str, str]) -> Iterator[Reader]:
    """A client with this environment, until the block ends."""
    command = [sys.executable, "-m", "tests.stages.sources.hub.reading"]
    with subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True) as process:
        try:
            yield Reader(process)
        finally:
            process.kill()


def main() -> None:
    """Read the sources that come in."""
    from llimba.errors import LlimbaError
    from llimba.recipe import HubSource
    from llimba.stages.sources.hub import asking
    from llimba.stages.sources.hub.load import load
    from tests.fakes import intake

    asking.WAITS = (0.05, 0.05, 0.05)
    for line in sys.stdin:
        source = HubSource.model_validate(json.loads(line))
        reading, records, error = intake(source, "h"), [], ""
        try:
            for record in load(source, reading):
                records.append(asdict(record))
                if len(records) == source.max_documents:
                    break
        except LlimbaError as caught:
            error = f"{type(caught).__name__}: {caught}"
        found = {"skipped": reading.skipped, "quarantined": reading.quarantined, "revision": reading.revision}
        told = {"records": records, "first_quarantined": reading.first_quarantined, "error": error, **found}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
