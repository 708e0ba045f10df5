"""Every sentence is translated once: a small database a engine and setting, safe at any kill.

SQLite (Python's own) commits a batch whole or not at all, which is all that is needed here.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from llimba.files import fingerprint, write_json
from llimba.models.translators.engine import Engine, Translation


class TranslationCache:
    """The translations of one engine with one setting, by sentence; `made` counts what this run had to translate."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        """The database is in `folder`, named by a fingerprint of the engine's identity."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{engine.name}-{fingerprint(engine.identity)}"
        write_json(folder / f"{name}.json", engine.identity)  # for people who want to know what a file is
        self._engine, self.made, self.found = engine, 0, 0
        self._connection = sqlite3.connect(folder / f"{name}.sqlite", timeout=600)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS sentence (source TEXT PRIMARY KEY, target TEXT NOT NULL, unknown INTEGER)"
        )

    def translate(
        self, sentences: Sequence[str], advance: Callable[[int], object] = lambda _: None
    ) -> dict[str, Translation]:
        """The translation of every sentence, from the database or made and kept batch by batch."""
        wanted = list(dict.fromkeys(sentences))
        known = {sentence: found for sentence in wanted if (found := self._look_up(sentence)) is not None}
        self.found += len(known)
        advance(len(known))
        todo = [sentence for sentence in wanted if sentence not in known]
        for start in range(0, len(todo), self._engine.batch):
            batch = todo[start : start + self._engine.batch]
            made = self._engine.translate(batch)
            rows = [(source, *target) for source, target in zip(batch, made, strict=True)]
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO sentence VALUES (?, ?, ?)", rows)
            known.update(zip(batch, made, strict=True))
            self.made += len(batch)
            advance(len(batch))
        return known

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _look_up(self, sentence: str) -> Translation | None:
        row = self._connection.execute("SELECT target, unknown FROM sentence WHERE source = ?", (sentence,)).fetchone()
        return Translation(*row) if row else None
