"""Subtitles: what is said, and a broken cue is named."""

from llimba.stages.sources.extracted import characters
from llimba.stages.sources.subtitles import subtitles

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Su sole</i>
essit.

2
00:00:03,000 --> 00:00:04,000 X1:100
- Ite?
- Nudda, 12
13

3
00:00:05,000 -> 00:00:06,000
Custu no.

4
00:00:07,000 --> 00:00:08,000
{\\an8}Una
5
00:00:08,000 --> 00:00:09,000
cosa.
"""
VTT = """\ufeffWEBVTT - Unu tìtulu
Kind: captions

NOTE
custu no

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 align:start
<v Maria>Pane &amp; casu</v>

00:02.000 --> 00:03.000
<00:02.100><c>binu</c>

00:03.000 --> 00:04.000
binu
ruju
"""


def test_srt() -> None:
    found = subtitles(SRT)
    assert found.text.split("\n") == ["Su sole essit.", "- Ite?", "- Nudda, 12 13", "Una", "cosa."]
    assert found.lost == ("line 12: broken cue: its time cannot be read",)
    assert found.visible == characters(found.text) + characters("Custu no.")


def test_vtt() -> None:
    found = subtitles(VTT.removeprefix("\ufeff"))
    assert found.text.split("\n") == ["Pane & casu", "binu", "binu ruju"]
    assert not found.lost


def test_a_block_without_a_time_is_a_broken_cue() -> None:
    assert subtitles("1\nSu sole\n\n2\n00:01,000 --> 00:02,000\nessit").lost == ("line 1: broken cue: no time in it",)


def test_every_cue_is_given_out_or_named() -> None:
    cues = [f"{n}\n00:{n:02d}:00,000 --> 00:{n:02d}:01,000\nriga {n}\n" for n in range(1, 50)]
    for place, broken in ((3, "4\n00:zz --> 1\nx\n"), (20, "21\nchene tempus\n"), (30, "00:31:00,0 -> 00:32\nx\n")):
        cues[place] = broken
    found = subtitles("\n".join(cues))
    assert len(found.text.split("\n")) + len(found.lost) == 49
    assert len(found.lost) == 3
