"""Terms are found as whole words, and forced in where they lack."""

from pathlib import Path

import pytest

from llimba.errors import LlimbaError
from llimba.use.glossary import Term, contains, force, missing, parse_glossary, read_glossary
from tests.use.models import opened

CHEESE, WINE = Term("formaggio", "casu"), Term("vino", "binu nieddu")


def test_terms_are_whole_words_whatever_case_and_accents() -> None:
    assert contains("Caffè", "Un CAFFE', grazie")
    assert not contains("casa", "sa casada")
    assert missing([CHEESE, WINE], "Formaggio e vino", "Casu e binu") == [WINE]
    assert missing([CHEESE, WINE], "Pane", "Pane") == []


def test_a_glossary_is_read_and_a_broken_line_named(tmp_path: Path) -> None:
    path = tmp_path / "terms.tsv"
    path.write_text("# food\nformaggio\tcasu\n\nvino\tbinu nieddu\n", encoding="utf-8")
    assert read_glossary(path) == [CHEESE, WINE]
    assert parse_glossary("formaggio = casu\n", "typed") == [CHEESE]
    path.write_text("formaggio\tcasu\nvino: binu\n", encoding="utf-8")
    with pytest.raises(LlimbaError, match="line 2: expected a term, a tab"):
        read_glossary(path)
    with pytest.raises(LlimbaError, match="cannot be read"):
        read_glossary(tmp_path / "none.tsv")


def test_every_term_is_in_a_forced_answer(tmp_path: Path) -> None:
    found = opened(tmp_path)
    prompt = found.prompt([{"role": "user", "content": "Formaggio e vino"}], 20)
    answer = force(found, prompt, "Su pane e s'abba", [CHEESE, WINE], 20)
    assert contains("casu", answer)
    assert contains("binu nieddu", answer)
    assert force(found, prompt, "Su casu", [CHEESE], 20) == "Su casu", "what is there is left alone"
