"""The files between the passes: shards of a file by byte range, tables that a task fills, all put together again."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from llimba.errors import StageError
from llimba.files import replacing
from llimba.manifest import Json
from llimba.stages.corpus.account import Account
from llimba.stages.decontamination import EvaluationIndex

SHARD_BYTES = 16 * 2**20  # of records a task: small enough to keep every worker's memory flat


def tasks_for(path: Path) -> int:
    """How many tasks share a file; decided by its size alone, so that the result is the same on any machine."""
    return max(1, -(-path.stat().st_size // SHARD_BYTES))


def shard(folder: Path, rank: int) -> Path:
    """The file of one task."""
    return folder / f"{rank:05d}.jsonl"


def rows_between(path: Path, rank: int, tasks: int) -> Iterator[Json]:
    """The rows whose line begins in the `rank`-th of `tasks` equal shares of the file's bytes."""
    size = path.stat().st_size
    start, end = rank * size // tasks, (rank + 1) * size // tasks
    with path.open("rb") as handle:
        if start:
            handle.seek(start - 1)
            handle.readline()  # the line that began before this share belongs to the task before
        while handle.tell() < end and (line := handle.readline()):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                raise StageError(f"{path}, before byte {handle.tell()}: not valid JSON ({error}).") from error


class Tables(ExitStack):
    """Files of rows that one task fills side by side (rejected, foreign, ...); they appear when the task ends well."""

    def __init__(self, folder: Path, rank: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self._handles = {name: self.enter_context(replacing(shard(folder / name, rank))) for name in names}

    def add(self, table: str, row: Json) -> None:
        """Write one row."""
        self._handles[table].write(json.dumps(row, ensure_ascii=False) + "\n")


def decontaminated(record: str, text: str, index: EvaluationIndex, account: Account, tables: Tables) -> str:
    """A record's text without its contaminated passages, each of them counted and written down."""
    text, removed = index.without(text)
    for passage, hit in removed:
        account.add("lines", "contaminated")
        tables.add("contamination", {"record": record, **hit._asdict(), "line": passage})
    return text


def gather(folders: list[Path], target: Path) -> None:
    """Put the shards of several folders one after another into one file."""
    with replacing(target) as handle:
        for folder in folders:
            for path in sorted(folder.glob("*.jsonl")):
                with path.open(encoding="utf-8") as part:
                    while block := part.read(2**20):
                        handle.write(block)
