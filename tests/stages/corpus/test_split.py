"""What is held out depends on seed and id alone."""

from pathlib import Path

from llimba.recipe import CorpusSection
from llimba.records import Document, Pair, write_records
from llimba.stages.corpus.split import held_out, held_out_pairs, scored_documents
from llimba.stages.folders import CorpusFolder

COMMON = {"source": "s", "license": "x", "provenance": "p"}


def pairs(count: int) -> list[Pair]:
    return [
        Pair(
            id=f"p{i}", texts={"sc": f"custa est sa fràsia nùmeru {i}", "it": f"questa è la frase numero {i}"}, **COMMON
        )
        for i in range(count)
    ]


def test_order_and_growth_do_not_change_the_choice() -> None:
    settings = CorpusSection(held_out_pairs=0.3)
    few, many = held_out_pairs(lambda: pairs(100), settings, 1), held_out_pairs(lambda: pairs(200)[::-1], settings, 1)
    assert few == {p for p in many if int(p[1:]) < 100}
    assert 15 < len(few) < 45
    assert few != held_out_pairs(lambda: pairs(100), settings, 2)


def test_short_partial_repeated_and_copied_pairs_are_not_held_out() -> None:
    odd = [
        Pair(id="short", texts={"sc": "tropu curtza", "it": "questa è la frase lunga"}, **COMMON),
        Pair(id="copy", texts={"sc": "a b c d e f", "it": "A b c d e f."}, **COMMON),
        Pair(id="one", texts={"sc": "unu duos tres bator chimbe", "it": "uno due tre quattro cinque"}, **COMMON),
        Pair(id="again", texts={"sc": "unu duos tres bator chimbe", "it": "uno due tre quattro cinque"}, **COMMON),
        Pair(id="alone", texts={"sc": "cust'est sola sola sola sola"}, **COMMON),
    ]
    assert held_out_pairs(lambda: odd, CorpusSection(held_out_pairs=0.999), 1) == {"one"}


def test_only_documents_of_the_target_language_are_held_out() -> None:
    documents = [Document(id=f"{c}{i}", text="x", language=c, **COMMON) for c in ("sc", "it") for i in range(50)]
    chosen = [d.id for d in documents if held_out(d, "sc", CorpusSection(held_out_documents=0.5), 1)]
    assert 10 < len(chosen) < 40
    assert all(identifier.startswith("sc") for identifier in chosen)
    assert not any(held_out(document, "sc", CorpusSection(), 1) for document in documents)


def test_scored_pairs_become_a_document_a_side(tmp_path: Path) -> None:
    about: list[dict[str, str]] = [{"provenance": "file:1", "norm": "is"}, {"provenance": "file:2"}]
    told = [
        Pair(id=f"p{i}", texts={"sc": f"unu {i}", "it": f"uno {i}"}, document="d", **{**COMMON, **about[i]})
        for i in range(2)
    ]
    own = Document(id="o", text="eja", language="sc", **COMMON)
    documents = scored_documents(told, [own])
    assert [(d.language, d.text, d.role) for d in documents] == [
        ("sc", "unu 0\nunu 1", "evaluate"),
        ("it", "uno 0\nuno 1", "evaluate"),
        ("sc", "eja", "evaluate"),
    ]
    first = documents[0]
    assert (first.id, first.source, first.license) == ("s:sc:d", "s", "x")
    assert (first.provenance, first.norm) == ("file:1", "is"), "those of the first pair"
    corpus = CorpusFolder(tmp_path)
    write_records(corpus.evaluation_file, told)
    write_records(corpus.held_out_file, [own])
    assert list(corpus.scored_texts()) == [
        ("p0", "unu 0"), ("p0", "uno 0"), ("p1", "unu 1"), ("p1", "uno 1"), ("o", "eja")
    ]  # fmt: skip
