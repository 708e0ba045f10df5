"""JSON files as rows: a line each, or an array of objects in one document; a broken row goes into quarantine alone.

Python's json reads. ijson reads arrays of any size too, but ends at the first fault; an array here is read whole,
within the bounds of a document, so that the rows after a broken one are found.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from llimba.data_files.faults import shortened
from llimba.manifest import Json
from llimba.stages.sources import bounded
from llimba.stages.sources.bounded import File
from llimba.stages.sources.charset import decode
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.recoded import KEPT
from llimba.stages.sources.unsafe import Unsafe

ROWS = ("data", "rows", "train", "examples", "items")  # the names under which an object keeps its rows
FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\\n]|\\.)*")\s*:')
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
SPACE = re.compile(r"\s*")
FAULTS = (ValueError, RecursionError, Unsafe)


def _object(pairs: list[tuple[str, Any]]) -> Json:
    """An object; a key that occurs twice is a fault, since nobody can know which value is meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise Unsafe(f"key twice: '{shortened(next(key for key in keys if keys.count(key) > 1))}'")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)


def lines(path: File, intake: Intake) -> Iterator[tuple[int, Json]]:
    """(line number, object) of JSON lines; blank lines are no rows."""
    for number, line in bounded.lines(path, intake):
        if line.strip():
            try:
                yield number, _row(DECODER.decode(line))
            except FAULTS as error:
                intake.quarantine(path, f"line {number}", _reason(error), line)


def whole(path: File, intake: Intake, field: str = "") -> Iterator[tuple[int, Json]]:
    """(number from 1 on, object) of a .json: an array, an object that has one, one row, or JSON lines after all.

    `field`: the key of the array, where it is not one of the usual.
    """
    try:
        data = bounded.whole(path)
    except bounded.broken() as error:
        reason = bounded.reason_of(error)
        advice = ". Make lines of it: jq -c '.[]' FILE.json > FILE.jsonl" if reason.startswith("too large") else ""
        intake.quarantine(path, "", reason + advice)
        return
    try:  # a byte that cannot be decoded becomes a surrogate, which sets its row apart
        decoded = decode(data, letters=intake.letters, errors=KEPT)
    except Unsafe as error:
        intake.quarantine(path, "", str(error), data[:400])
        return
    intake.decoded(path, decoded.choice, decoded.replaced)
    text = decoded.text
    del data
    start = _past_space(text, 0)
    if text.startswith("[", start):
        yield from _array(text, start + 1, path, intake)
        return
    try:
        found, end = DECODER.raw_decode(text, start)
    except FAULTS as error:
        if "\n{" in text.strip():
            yield from lines(path, intake)
        else:
            intake.quarantine(path, "", _reason(error), text[:400])
        return
    if text[end:].strip():
        yield from lines(path, intake)
        return
    held = found if isinstance(found, dict) else {}
    listed = [held[key] for key in ([field] if field else ROWS) if isinstance(held.get(key), list)]
    if field and not listed:
        intake.quarantine(path, "", f"not an array: '{field}' holds no array of rows")
        return
    for number, row in enumerate(listed[0] if len(listed) == 1 else [found], 1):
        try:
            yield number, _row(row)
        except Unsafe as error:
            intake.quarantine(path, f"row {number}", str(error), json.dumps(row)[:400])


def _array(text: str, place: int, path: File, intake: Intake) -> Iterator[tuple[int, Json]]:
    """The objects of an array that begins before `place`."""
    number, keys = 0, set[str]()
    while True:
        place = _past_space(text, place)
        if text.startswith("]", place):
            if text[place + 1 :].strip():
                intake.quarantine(path, f"after row {number}", "not valid JSON: text after the end of the array")
            return
        if place >= len(text):
            intake.quarantine(path, f"after row {number}", "broken file: the array has no end")
            return
        number += 1
        try:
            value, end = DECODER.raw_decode(text, place)
        except FAULTS as error:
            intake.quarantine(path, f"row {number}", _reason(error), text[place : place + 400])
            end = _next_row(text, place, keys or set(FIRST_KEY.findall(text, place, place + 400)[:1]))
        else:
            try:
                row = _row(value)
            except Unsafe as error:
                intake.quarantine(path, f"row {number}", str(error), json.dumps(value)[:400])
            else:
                keys |= {json.dumps(key, ensure_ascii=False) for key in list(row)[:1]}
                yield number, row
            end = _past_space(text, end)
            if text[end : end + 1] not in (",", "]", "{", ""):
                intake.quarantine(
                    path, f"after row {number}", "not valid JSON: text between rows", text[end : end + 400]
                )
                end = _next_row(text, end, keys)
        if end == len(text):  # the last row was the broken one, or an array without an end gave all it has
            return
        place = end + 1 if text[end] == "," else end


def _past_space(text: str, place: int) -> int:
    match = SPACE.match(text, place)
    return match.end() if match else place


def _next_row(text: str, place: int, keys: set[str]) -> int:
    """Where a broken row ends, or where the row after it begins; or the text's end.

    It ends where its brackets do, unless a row begins before: an object that opens with a key as other rows do.
    """
    rows = (found.start() for found in FIRST_KEY.finditer(text, place + 1) if not keys or found[1] in keys)
    begins, depth = next(rows, len(text)), 0
    for found in BRACKETS.finditer(text, place, begins):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth <= 0 and found[0] in "]}":
            end = _past_space(text, found.end())
            return end if text[end : end + 1] in (",", "]") else begins
    return begins


def _row(value: object) -> Json:
    if not isinstance(value, dict):
        raise Unsafe(f"not a JSON object: {type(value).__name__}")
    return value


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Unsafe) else f"not valid JSON: {error}"
