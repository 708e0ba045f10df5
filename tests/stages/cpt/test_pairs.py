"""Pairs become documents in the words that evaluation asks with, every named direction, and nothing that is scored."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from llimba.languages.profile import load_language
from llimba.languages.prompts import completion_prompt
from llimba.recipe import PairDocuments
from llimba.records import Document, Pair, write_records
from llimba.stages.corpus.stage import run as run_corpus
from llimba.stages.cpt.pairs import pair_documents
from llimba.stages.cpt.stage import documents
from llimba.stages.cpt.tags import Tags
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder
from tests.fakes import SENTENCES, recipe, recipe_content

SARDINIAN = load_language("srd")
UNTAGGED = Tags(None, SARDINIAN, 1)
COMMON: dict[str, Any] = {"license": "x", "provenance": "p"}


def pairs(source: str, rows: range, *languages: str) -> list[Pair]:
    return [
        Pair(id=f"{source}:{i}", source=source, texts={code: SENTENCES[code][i] for code in languages}, **COMMON)
        for i in rows
    ]


def test_every_direction_is_written_in_order_and_in_the_words_of_the_prompt() -> None:
    settings = PairDocuments(directions=["en-sc", "sc-en"], rows_per_document=2)
    made = list(pair_documents(pairs("seed", range(3), "sc", "en"), settings, SARDINIAN, UNTAGGED))
    assert [d.id for d in made] == [f"pairs:{way}:seed:{i}" for i in (0, 2) for way in ("en-sc", "sc-en")]
    assert made[0].text == (
        f"English: {SENTENCES['en'][0]}\nSardinian: {SENTENCES['sc'][0]}\n\n"
        f"English: {SENTENCES['en'][1]}\nSardinian: {SENTENCES['sc'][1]}"
    )
    assert made[1].text.startswith(f"Sardinian: {SENTENCES['sc'][0]}\nEnglish: {SENTENCES['en'][0]}")
    assert {d.language for d in made} == {"pairs"}
    assert made[0].text.startswith(completion_prompt(SARDINIAN, "en-sc", SENTENCES["en"][0]))


def test_a_few_shot_prompt_of_the_harness_is_the_beginning_of_such_a_document() -> None:
    from lm_eval.api.task import TaskConfig

    config = TaskConfig(task="t")
    settings = PairDocuments(directions=["it-sc"], rows_per_document=2)
    (document,) = pair_documents(pairs("seed", range(2), "sc", "it"), settings, SARDINIAN, UNTAGGED)
    asked = [completion_prompt(SARDINIAN, "it-sc", SENTENCES["it"][i]) for i in range(2)]
    shown = asked[0] + config.target_delimiter + SENTENCES["sc"][0] + config.fewshot_delimiter + asked[1]
    assert document.text == shown + config.target_delimiter + SENTENCES["sc"][1]


def test_no_document_mixes_sources_and_a_pair_without_the_language_is_left_out() -> None:
    given = pairs("one", range(2), "sc", "it") + pairs("two", range(2, 5), "sc", "it", "en")
    settings = PairDocuments(directions=["it-sc", "en-sc"], rows_per_document=3)
    made = {d.id: d for d in pair_documents(given, settings, SARDINIAN, UNTAGGED)}
    assert set(made) == {"pairs:it-sc:one:0", "pairs:it-sc:two:2", "pairs:en-sc:two:2"}
    assert made["pairs:it-sc:one:0"].source == "one"
    chosen = PairDocuments(directions=["it-sc"], sources=["two"])
    assert [d.source for d in pair_documents(given, chosen, SARDINIAN, UNTAGGED)] == ["two"]


def test_pair_documents_hold_nothing_that_is_scored(tmp_path: Path) -> None:
    """The corpus stage's pairs are clean; what is planted in both languages and spellings must not come back."""
    content = recipe_content(tmp_path)
    cpt = {
        **content["cpt"],
        "pairs": {"directions": ["it-sc", "sc-it"]},
        "mixture": {"sc": 0.5, "it": 0.2, "pairs": 0.3},
    }
    loaded = recipe(tmp_path, cpt=cpt)
    scored = Pair(id="e", source="scored", role="evaluate", texts={c: SENTENCES[c][3] for c in ("sc", "it")}, **COMMON)
    planted = [
        Pair(id="a:1", source="aligned", texts={"sc": SENTENCES["sc"][3].upper(), "it": "un'altra cosa"}, **COMMON),
        Pair(id="a:2", source="aligned", texts={"sc": "un'àtera cosa", "it": f"Disse: {SENTENCES['it'][3]}"}, **COMMON),
    ]
    sources = tmp_path / "sources"
    sources.mkdir()
    write_records(sources / "pairs.jsonl", [scored, *planted, *pairs("aligned", range(3), "sc", "it")])
    prose = Document(id="d", language="sc", source="prose", text="\n".join(SENTENCES["sc"][:3]), **COMMON)
    write_records(sources / "documents.jsonl", [prose])
    write_records(sources / "conversations.jsonl", [])
    facts = run_corpus(loaded, {"sources": sources}, tmp_path / "corpus")
    assert facts["counts"]["pairs"]["rejected"] == {"contaminated": 2}

    def hits(texts: list[Document]) -> int:
        index = EvaluationIndex(CorpusFolder(tmp_path / "corpus").scored_texts())
        lines = [line.partition(": ")[2] or line for d in texts for line in d.text.split("\n")]
        return sum(index.hit(line) is not None for line in lines)

    made = [d for d in documents(loaded, CorpusFolder(tmp_path / "corpus")) if d.language == "pairs"]
    assert len(made) == 2
    assert hits(made) == 0
    leaky = list(pair_documents(planted, cpt_pairs(), SARDINIAN, UNTAGGED))
    assert hits(leaky) == 4  # the search finds them: both, in either direction
    assert asdict(made[0])["license"] == "x"


def cpt_pairs() -> PairDocuments:
    return PairDocuments(directions=["it-sc", "sc-it"])
