"""What came in, what was kept, and under which rule everything else left: counted by task, added up, checked."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from llimba.files import read_json, write_json
from llimba.stages.corpus_facts import Balance


class Account:
    """Counts of one record type, or of one task's share of it; `save` and `total` bring tasks together."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, table: str, key: str, amount: int = 1) -> None:
        """Count `amount` under `key`."""
        self.counts.setdefault(table, Counter())[key] += amount

    def of(self, table: str) -> dict[str, int]:
        """The counts of a table, keys in alphabetical order so that no order of tasks shows."""
        return dict(sorted(self.counts.get(table, Counter()).items()))

    def save(self, folder: Path, rank: int) -> None:
        """Leave the counts of one task."""
        write_json(folder / f"{rank:05d}.json", self.counts)

    @classmethod
    def total(cls, folders: Iterable[Path]) -> "Account":
        """The sum of what all tasks saved in these folders."""
        account = cls()
        for folder in folders:
            for path in sorted(folder.glob("*.json")):
                for table, counts in read_json(path).items():
                    account.counts.setdefault(table, Counter()).update(counts)
        return account

    def balance(self, kind: str) -> Balance:
        """Records read, kept, put into the evaluation set and rejected, which must add up."""
        moved = self.of("moved")
        rejected = self.of("rejected")
        read, kept, evaluation = (moved.get(key, 0) for key in ("read", "kept", "evaluation"))
        if read != kept + evaluation + sum(rejected.values()):
            raise AssertionError(f"{kind}: the counts do not add up: {moved}, {rejected}")
        return Balance(read, kept, evaluation, rejected)
