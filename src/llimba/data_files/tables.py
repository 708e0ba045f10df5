"""Tables that llimba ships as tab-separated text."""

import csv
from pathlib import Path


def read_tsv(path: Path) -> list[dict[str, str]]:
    """The rows of a table that llimba ships: columns between tabs, a row of headings, comments behind #."""
    with path.open(encoding="utf-8", newline="") as handle:
        lines = (line for line in handle if not line.startswith("#"))
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
