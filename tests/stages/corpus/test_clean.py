"""The first pass: norm and variety labelled, rules of quality spare exempt sources, scored documents left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from llimba.files import read_jsonl
from llimba.languages.identify.identifier import Label
from llimba.languages.profile import load_language
from llimba.recipe import CorpusSection
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.clean import Clean, Cleaning
from llimba.stages.corpus.shards import carried, record
from llimba.stages.corpus.split import held_out
from llimba.stages.corpus.tables import shard
from llimba.stages.decontamination import EvaluationIndex
from tests.fakes import SENTENCES

PAGE = Document(
    id="page", text="\n".join(SENTENCES["sc"]), language="sc", source="web", license="x", provenance="p"
)  # fmt: skip
LIST = replace(PAGE, id="list", text="\n".join(f"- {line}" for line in SENTENCES["sc"]))


def cleaned(folder: Path, *documents: Document, **settings: Any) -> list[Document]:
    cleaning = Cleaning(CorpusSection(**settings), load_language("srd"), 1, EvaluationIndex([]), None)
    return [record(carrier) for carrier in Clean(cleaning, folder)(map(carried, documents))]


def test_norm_and_variety_are_labelled_and_declared_ones_kept(tmp_path: Path) -> None:
    told = replace(PAGE, id="told", norm="is", variety="campidanesu")
    page, same = cleaned(tmp_path, PAGE, told)
    assert page.norm == "sos-sas"
    assert (same.norm, same.variety) == ("is", "campidanesu")
    assert [d.id for d in cleaned(tmp_path, PAGE, told, norms=["is"])] == ["told"]


def test_exempt_sources_are_not_judged(tmp_path: Path) -> None:
    assert [d.id for d in cleaned(tmp_path, PAGE, LIST)] == ["page"]
    assert Account.total([tmp_path / "account"]).of("rejected") == {"a list": 1}
    assert [d.id for d in cleaned(tmp_path, PAGE, LIST, exempt=["web"])] == ["page", "list"]


def test_another_language_is_not_measured_by_this_alphabet(tmp_path: Path) -> None:
    greek = replace(PAGE, id="el", language="el", text="Ο ήλιος ανατέλλει από τη θάλασσα κάθε πρωί, λέει η γιαγιά. " * 1
                    + "Το σπίτι της είναι μεγάλο και όμορφο, με κήπο και μια μικρή βρύση στην αυλή.")  # fmt: skip
    assert [d.id for d in cleaned(tmp_path, greek)] == ["el"]
    assert cleaned(tmp_path, replace(greek, language="sc")) == []


class Calls:
    """An identifier that has been told the language of each line."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known

    def paragraphs(self, texts: list[str]) -> list[list[tuple[str, Label]]]:
        return [[(line, Label(self.known[line], 1.0)) for line in text.split("\n")] for text in texts]


def test_a_page_in_other_languages_is_rejected_with_their_names(tmp_path: Path) -> None:
    text = [SENTENCES["it"][0], SENTENCES["es"][0], "eja"]
    calls: Any = Calls(dict(zip(text, ("it", "es", "sc"), strict=True)))
    cleaning = Cleaning(CorpusSection(), load_language("srd"), 1, EvaluationIndex([]), calls)
    assert list(Clean(cleaning, tmp_path)(map(carried, [replace(PAGE, text="\n".join(text))]))) == []
    (row,) = read_jsonl(shard(tmp_path / "rejected", 0))
    assert (row["rule"], row["value"], row["threshold"]) == ("other language", "es, it", "sc")
    assert row["record"]["text"] == "\n".join(text), "the whole text is kept to be looked at"
    assert [(row["language"], row["line"]) for row in read_jsonl(shard(tmp_path / "foreign", 0))] == [
        ("it", text[0]), ("es", text[1])
    ]  # fmt: skip


def test_held_out_documents_are_not_trained_on(tmp_path: Path) -> None:
    pages = [replace(PAGE, id=f"page-{number}") for number in range(40)]
    kept = {document.id for document in cleaned(tmp_path, *pages, held_out_documents=0.5)}
    assert kept == {page.id for page in pages if not held_out(page, "sc", CorpusSection(held_out_documents=0.5), 1)}
    assert Account.total([tmp_path / "account"]).of("moved")["evaluation"] == 40 - len(kept) > 5


def test_only_documents_in_the_language_of_sources_not_trusted_are_looked_at(tmp_path: Path) -> None:
    calls: Any = Calls(dict.fromkeys(SENTENCES["sc"], "es"))
    settings = CorpusSection(identify=["seed"])
    cleaning = Cleaning(settings, load_language("srd"), 1, EvaluationIndex([]), calls)
    documents = [PAGE, replace(PAGE, id="trusted", source="seed"), replace(PAGE, id="other", language="it")]
    kept = [record(carrier).id for carrier in Clean(cleaning, tmp_path)(map(carried, documents))]
    assert kept == ["trusted", "other"]


def test_scored_documents_are_counted_and_left_out(tmp_path: Path) -> None:
    assert cleaned(tmp_path, replace(PAGE, role="evaluate")) == []
    assert Account.total([tmp_path / "account"]).balance("documents").evaluation == 1
