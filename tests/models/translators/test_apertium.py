"""The Apertium engine, over small programs written for this test in an unpacked prefix."""

from pathlib import Path

import pytest

from llimba.errors import StageError, Unavailable
from llimba.models.translators.apertium import Apertium
from llimba.recipe import ApertiumTranslation


def prefix(folder: Path) -> Path:
    """Two modes: words are looked up in a table by sed, and what is not there is marked as Apertium marks it."""
    programs = folder / "usr/bin"
    programs.mkdir(parents=True)
    data = folder / "usr/share/apertium"
    (data / "modes").mkdir(parents=True)
    for name, script in {
        "apertium-destxt": "cat",
        "apertium-retxt": "cat",
        "look-up": 'test "$1" = -g && sed -f "$2"',
        "swallow": "tr -d '\\n'",
        "breaks": "echo no such rule >&2; exit 3",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    (data / "one.sed").write_text("s/\\bsun\\b/sol/g\ns/\\bbig\\b/gran/g\ns/\\bglorp\\b/*glorp/g\n")
    (data / "two.sed").write_text("s/\\bsol\\b/sole/g\ns/\\bgran\\b/@gran/g\ns/\\bglorp\\b/*glorp/g\n")
    for mode, pipe in {
        "aa-bb": "look-up $1 '/usr/share/apertium/one.sed' | cat",
        "bb-cc": "look-up $1 '/usr/share/apertium/two.sed'",
        "lost": "look-up $1 '/usr/share/apertium/three.sed'",
        "glue": "swallow",
        "bad": "breaks",
    }.items():
        (data / "modes" / f"{mode}.mode").write_text(pipe + "\n")
    return folder


def engine(tmp_path: Path, *route: str) -> Apertium:
    settings = ApertiumTranslation(engine="apertium", source_language="en", route=route, prefix=str(tmp_path))
    return Apertium(settings)


def test_a_route_through_a_pivot_counts_unknown_words_once(tmp_path: Path) -> None:
    made = engine(prefix(tmp_path), "aa-bb", "bb-cc").translate(["the big sun", "a glorp, a (glorp)", "sun"])
    assert [translation.text for translation in made] == ["the gran sole", "a glorp, a (glorp)", "sole"]
    assert [translation.unknown for translation in made] == [1, 2, 0]


def test_the_identity_follows_the_data(tmp_path: Path) -> None:
    before = engine(prefix(tmp_path), "aa-bb").identity
    assert (before["engine"], before["route"], list(before["data"])) == ("apertium", ["aa-bb"], ["one.sed"])
    (tmp_path / "usr/share/apertium/one.sed").write_text("s/sun/sole/\n")
    assert engine(tmp_path, "aa-bb").identity != before


def test_output_that_does_not_line_up_is_made_sentence_by_sentence(tmp_path: Path) -> None:
    made = engine(prefix(tmp_path), "glue").translate(["one", "two"])
    assert [translation.text for translation in made] == ["one", "two"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    prefix(tmp_path)
    with pytest.raises(Unavailable, match=r"no mode 'zz-yy' here \(there are: aa-bb, .*packages:"):
        engine(tmp_path, "zz-yy")
    with pytest.raises(Unavailable, match=r"three.sed of mode lost is not here"):
        engine(tmp_path, "lost")
    (tmp_path / "usr/bin/look-up").unlink()
    with pytest.raises(Unavailable, match="look-up is not here"):
        engine(tmp_path, "aa-bb")
    with pytest.raises(StageError, match="Apertium failed .no such rule"):
        engine(tmp_path, "bad").translate(["one"])


@pytest.mark.parametrize(
    "pipe",
    [
        "cat; touch ran", "cat | sh -c 'touch ran'", "cat $(touch ran)", "cat `touch ran`", "cat > ran",
        "cat & touch ran",
        "./cat", "/bin/sh -c true", "cat | /bin/sh", "cat\ntouch ran",
        "cat || touch ran", "cat $IFS", "cat |", "cat \\$1",
    ],
)  # fmt: skip
def test_a_mode_is_programs_and_data_and_nothing_else_that_a_shell_would_do(tmp_path: Path, pipe: str) -> None:
    mode = prefix(tmp_path) / "usr/share/apertium/modes/aa-bb.mode"
    mode.write_text(pipe + "\n")
    with pytest.raises(StageError, match="it is not run"):
        engine(tmp_path, "aa-bb")


def test_data_in_a_folder_with_spaces_and_quotes(tmp_path: Path) -> None:
    (made,) = engine(prefix(tmp_path / "d'à [b] $x"), "aa-bb").translate(["the big sun"])
    assert made.text == "the gran sol"
