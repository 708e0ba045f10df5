"""The first pass: norm and variety labelled, rules of quality spare exempt sources, scored documents left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from llimba.languages.profile import load_language
from llimba.recipe import CorpusSection
from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.clean import Clean, Cleaning
from llimba.stages.corpus.shards import carried, record
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


def test_scored_documents_are_counted_and_left_out(tmp_path: Path) -> None:
    assert cleaned(tmp_path, replace(PAGE, role="evaluate")) == []
    assert Account.total([tmp_path / "account"]).balance("documents").evaluation == 1
