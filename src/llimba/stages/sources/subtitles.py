"""Subtitles (.srt, .vtt): what is said, a line a cue, without numbers, times, styles and notes.

pysubs2, srt and webvtt-py read these formats; the first takes a broken time for text that is said, the others stop at
it or drop the cue unsaid. Here a broken cue is one row set apart.
"""

import html
import re
from collections.abc import Iterator

from llimba.stages.sources.extracted import Extracted, characters

TIME = r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
TIMING = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?$")
LIKE_TIMING = re.compile(r"\d{1,2}:\d{2}.*-+>|-->")
TAG = re.compile(r"</?(?:[biuc]|v|lang|ruby|rt|font|\d[\d:.]*)\b[^<>]*>|\{\\?[^{}]*\}", re.IGNORECASE)
BLOCKS = ("WEBVTT", "NOTE", "STYLE", "REGION", "X-TIMESTAMP-MAP")
DASH = re.compile(r"\s*[-–—]\s*\S")


def subtitles(text: str) -> Extracted:
    """The cues in order; `lost` names those whose time cannot be read."""
    said: list[str] = []
    lost, visible = [], 0
    rolling = "<c>" in text or "<c." in text  # made by a machine: each cue repeats the last line of the one before
    for number, lines in _cues(text):
        timing = next((place for place, line in enumerate(lines[:2]) if LIKE_TIMING.search(line)), None)
        if timing is None:
            if not lines[0].startswith(BLOCKS):
                lost.append(f"line {number}: broken cue: no time in it")
            continue
        spoken = lines[timing + 1 :]
        visible += sum(characters(TAG.sub("", line)) for line in spoken)
        if not TIMING.match(lines[timing]):
            lost.append(f"line {number}: broken cue: its time cannot be read")
            continue
        for line in _joined(spoken):
            if rolling and said and line == said[-1]:
                visible -= characters(line)
            else:
                said.append(line)
    return Extracted("\n".join(said), visible, lost=tuple(lost))


def _cues(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, lines) of every block; blank lines part them, and so does a time."""
    held: list[str] = []
    begins = 1
    for number, line in enumerate([*text.splitlines(), ""], 1):
        timed = sum(bool(LIKE_TIMING.search(other)) for other in held)
        if timed and LIKE_TIMING.search(line):
            # the number above belongs to the new cue
            own = [held.pop()] if held[-1].strip().isdigit() and not LIKE_TIMING.search(held[-1]) else []
            yield begins, held
            held, begins = [*own, line], number - len(own)
        elif line.strip():
            begins = begins if held else number
            held.append(line)
        elif held:
            yield begins, held
            held = []


def _joined(lines: list[str]) -> Iterator[str]:
    """The lines of a cue as one, apart where a dash says that another one speaks."""
    held = ""
    for line in lines:
        plain = " ".join(html.unescape(TAG.sub("", line)).split())
        if held and DASH.match(plain):
            yield held
            held = plain
        else:
            held = f"{held} {plain}".strip()
    if held:
        yield held
