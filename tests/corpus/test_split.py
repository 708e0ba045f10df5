"""What is set aside depends on seed and id alone."""

from llimba.corpus.split import held_out_documents, held_out_pairs
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair

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
    few, many = held_out_pairs(pairs(100), settings, 1), held_out_pairs(pairs(200)[::-1], settings, 1)
    assert few == {p for p in many if int(p[1:]) < 100}
    assert 15 < len(few) < 45
    assert few != held_out_pairs(pairs(100), settings, 2)


def test_short_partial_repeated_and_copied_pairs_are_not_set_aside() -> None:
    odd = [
        Pair(id="short", texts={"sc": "tropu curtza", "it": "questa è la frase lunga"}, **COMMON),
        Pair(id="copy", texts={"sc": "a b c d e f", "it": "A b c d e f."}, **COMMON),
        Pair(id="one", texts={"sc": "unu duos tres bator chimbe", "it": "uno due tre quattro cinque"}, **COMMON),
        Pair(id="again", texts={"sc": "unu duos tres bator chimbe", "it": "uno due tre quattro cinque"}, **COMMON),
        Pair(id="alone", texts={"sc": "cust'est sola sola sola sola"}, **COMMON),
    ]
    assert held_out_pairs(odd, CorpusSection(held_out_pairs=0.999), 1) == {"one"}


def test_only_documents_of_the_target_language_are_set_aside() -> None:
    documents = [Document(id=f"{c}{i}", text="x", language=c, **COMMON) for c in ("sc", "it") for i in range(50)]
    chosen = held_out_documents(documents, "sc", CorpusSection(held_out_documents=0.5), 1)
    assert 10 < len(chosen) < 40
    assert all(identifier.startswith("sc") for identifier in chosen)
