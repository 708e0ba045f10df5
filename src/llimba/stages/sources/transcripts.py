"""Transcripts of recordings as text: what is said, without the times and the names of who speaks.

Programs and people write them in many ways: `[00:01:12] BACHIS: ...`, `[00:00.000 --> 00:04.000] ...` (Whisper), a
line `Speaker 1  0:03` above what is said (Otter), a time alone (YouTube), times between tabs (labels of Audacity). No
library reads them; subtitles have formats and `subtitles`.
"""

import re
from collections import Counter

TIME = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
SPAN = rf"{TIME}(?:\s*(?:-->|[-–—])\s*{TIME})?"
STAMP = re.compile(rf"\s*(?:[\[(<]\s*{SPAN}\s*[\])>]:?|{SPAN}(?=\s|$)|\d+\.\d{{3,}}\t\d+\.\d{{3,}}\t)\s*")
HEAD = re.compile(rf"\s*[^\W\d_][^\n:]{{0,40}}\s[\[(]?{TIME}[\])]?:?\s*$")  # who, and when
WITHIN = re.compile(rf"\s*[\[(]{SPAN}[\])]")
SPEAKER = re.compile(r"\s*([^\W\d_][^:\n]{0,40}?)\s?:\s+")
LOOKED_AT = 50  # lines that say whether a text is a transcript
LEAST = 3  # lines with a time


def is_transcript(text: str) -> bool:
    """Whether a text is one: a quarter of its lines begin with a time, or say who speaks when."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:LOOKED_AT] if line.strip()]
    timed = sum(bool(STAMP.match(line) or HEAD.match(line)) for line in lines)
    return timed >= max(LEAST, len(lines) / 4)


def transcript(text: str) -> str:
    """What is said, a line a turn. Names are what most lines with a time, or two lines, begin with before a colon."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if not HEAD.match(line)]
    said = [(bool(STAMP.match(line)), STAMP.sub("", line, count=1) if STAMP.match(line) else line) for line in lines]
    named = Counter(found[1] for _, line in said if (found := SPEAKER.match(line)))
    labelled = [bool(SPEAKER.match(line)) for timed, line in said if timed]
    usual = 2 * sum(labelled) > len(labelled)
    plain = []
    for timed, line in said:
        speaker = SPEAKER.match(line)
        if speaker and (named[speaker[1]] > 1 or (timed and usual)):
            line = line[speaker.end() :]
        plain.append(WITHIN.sub("", line).strip())
    return "\n".join(filter(None, plain))
