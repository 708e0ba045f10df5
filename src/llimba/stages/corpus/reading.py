"""What the sources stage read of each file, for the report: shares by source, and the files with the worst ones.

A share is what a reader gave out of what is visible in a file, in characters or in rows; pages of which only the main
text is wanted are counted, not judged.
"""

from collections import Counter
from heapq import nlargest
from math import log

from llimba.files import read_jsonl
from llimba.manifest import Json
from llimba.stages.folders import SourcesFolder

SHOWN = 15  # files, and reasons


def reading(sources: SourcesFolder) -> Json | None:
    """Sources with files, shares and rows set apart; the worst files first. None where an older version read them."""
    if not sources.files_file.exists():
        return None
    table: dict[str, Json] = {}
    totals: dict[tuple[str, str], Counter[str]] = {}
    far = []
    for row in read_jsonl(sources.files_file):
        entry = _entry(table, row["source"])
        entry["files"] += 1
        entry["far"] += row["far"]
        totals.setdefault((row["source"], row["unit"]), Counter()).update(given=row["given"], visible=row["visible"])
        if row["far"]:
            far.append(row)
    reasons = Counter[str]()
    for row in read_jsonl(sources.quarantine_file):
        _entry(table, row["source"])["set_apart"] += row["rows"]
        reasons[row["reason"].partition(":")[0]] += row["rows"]
    for (source, unit), counted in totals.items():
        if counted["visible"]:
            table[source]["shares"][unit] = round(counted["given"] / counted["visible"], 4)
    return {
        "sources": list(table.values()),
        "far": len(far),
        "worst": nlargest(SHOWN, far, key=lambda row: abs(log(max(row["share"], 1e-9)))),
        "reasons": dict(reasons.most_common(SHOWN)),
    }


def _entry(table: dict[str, Json], source: str) -> Json:
    return table.setdefault(source, {"source": source, "files": 0, "shares": {}, "set_apart": 0, "far": 0})
