"""Back-translation: planted faults are turned away with their reason; what is kept says which side is a machine's."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import RecipeError, StageError
from llimba.files import read_jsonl
from llimba.languages.profile import load_language
from llimba.models.translators.engine import Translation
from llimba.recipe import BackTranslation, InstructSection
from llimba.records import Conversation, Document, Pair, read_records
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.instruct import back_translation
from llimba.stages.instruct.back_translation import BackTranslated, BackTranslator
from llimba.stages.instruct.from_pairs import conversations
from llimba.stages.instruct.stage import needs, run
from tests.fakes import SENTENCES, recipe
from tests.stages.instruct.test_stage import corpus

SARDINIAN = load_language("srd")
COMMON: dict[str, Any] = {"source": "s", "license": "x", "provenance": "p"}
APERTIUM = {"engine": "apertium", "route": ["srd-ita"]}
ITALIAN = dict(zip(SENTENCES["sc"], SENTENCES["it"], strict=True))
SEVEN = "Su sole essit dae su mare cada mangianu."  # seven words and more are told by their language


class Book:
    """Translates by heart; what it does not know it gives back; `home` is the way back."""

    name, batch = "book", 3

    def __init__(self, known: dict[str, str], **identity: Any) -> None:
        self.known, self.calls = known, list[str]()
        self.identity: dict[str, Any] = {"engine": "book", **identity}

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        self.calls += sentences
        return [Translation(self.known.get(sentence, sentence)) for sentence in sentences]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path / "cache"))


def settings(**changes: Any) -> BackTranslation:
    return BackTranslation.model_validate({"into": ["it"], "engine": dict(APERTIUM), **changes})


def documents(*texts: str, **changes: Any) -> list[Document]:
    return [Document(id=f"d{i}", language="sc", text=t, **{**COMMON, **changes}) for i, t in enumerate(texts)]


def done(
    monkeypatch: pytest.MonkeyPatch,
    known: dict[str, str],
    texts: Sequence[Document],
    evaluated: Sequence[str] = (),
    identify: Callable[[str], str | None] | None = None,
    home: dict[str, str] | None = None,
    paired: Sequence[Pair] = (),
    **changes: Any,
) -> BackTranslated:
    def open_engine(asked: Any, *_: Any) -> Book:
        back = asked.target_language is None or asked.target_language == "sc"
        return Book(home or {}, way="back") if back else Book(known, into=asked.target_language)

    monkeypatch.setattr(back_translation, "open_engine", open_engine)
    index = EvaluationIndex((f"e{i}", text) for i, text in enumerate(evaluated))
    return BackTranslator(settings(**changes), SARDINIAN, index, identify, None).translate(texts, paired, 1)


def test_the_target_is_authentic_and_the_source_says_what_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = documents(f"{SENTENCES['sc'][0]} {SENTENCES['sc'][1]}\n{SENTENCES['sc'][2]}", norm="lsc")
    made = done(monkeypatch, ITALIAN, texts)
    assert made.rejected == []
    assert {(p.texts["sc"], p.texts["it"]) for p in made.pairs} == set(list(ITALIAN.items())[:3])
    for pair in made.pairs:
        assert (pair.origin, pair.engine, pair.origins, pair.back_translated) == ("human", "", {"it": "mt"}, "book")
        assert (pair.norm, pair.source, pair.document) == ("lsc", "s", "d0")
    asked = InstructSection(directions=["it-sc"], min_words=2, system_prompt_share=0)
    talks = list(conversations(made.pairs, asked, SARDINIAN, 1))
    assert {talk.task for talk in talks} == {"translation:it-sc"}
    assert all(talk.messages[-1]["content"] in ITALIAN for talk in talks)
    assert {(talk.origin, talk.back_translated) for talk in talks} == {("human", "book")}
    assert made.facts["into"]["it"]["kept"] == made.facts["pairs"] == made.facts["sentences"] == 3


PLANTED: list[tuple[str, dict[str, Any], str]] = [
    # what the engine says of SEVEN, further conditions, the rule that must catch it
    (SEVEN, {}, "unchanged"),
    ("Su sole essit dae su mare onzi mangianu.", {}, "copy"),
    ("il sole il sole il sole il sole il sole", {}, "loop"),
    ("Siciliano per la cosa, una cosa e una cosa, una cosa e una cosa", {}, "loop"),
    ("Il sole sorge dal mare ogni mattina, " + "e poi ancora " * 9, {}, "length ratio"),
    ("Sole.", {}, "length ratio"),
    ("", {}, "no translation"),
    ("Il sole sorge\ndal mare ogni mattina.", {}, "several lines"),
    ("The sun comes out of the sea daily.", {"identify": lambda text: "en"}, "language"),
    ("Il sole sorge dal mare ogni mattina.", {"evaluated": ["il sole sorge dal mare ogni mattina"]},
     "contaminated source"),
    ("Il sole sorge dal mare ogni mattina.", {"evaluated": ["su sole essit dae su mare cada mangianu"]},
     "contaminated target"),
    ("Il sole sorge dal mare ogni mattina.", {"min_round_trip": 40, "home": {}, "way_back": {
        "it": {**APERTIUM, "source_language": "it"}}}, "round trip"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "conditions", "rule"), PLANTED, ids=[f"{i}-{p[2]}" for i, p in enumerate(PLANTED)])
def test_planted_faults_are_caught_with_their_reason(
    monkeypatch: pytest.MonkeyPatch, said: str, conditions: dict[str, Any], rule: str
) -> None:
    good = SENTENCES["sc"][7]  # beside each fault a sentence that nothing is wrong with
    known = {SEVEN: said, good: ITALIAN[good]}
    if "home" in conditions:
        conditions = {**conditions, "home": {ITALIAN[good]: good, said: "Carchi cosa de totu àteru, deghe boltas."}}
    if "identify" in conditions:
        conditions = {**conditions, "identify": lambda text: "en" if "sun" in text else "it"}
    made = done(monkeypatch, known, documents(SEVEN, good), **conditions)
    assert [pair.texts["it"] for pair in made.pairs] == [ITALIAN[good]]
    (row,) = made.rejected
    assert row.rule == rule
    assert row.record.texts["sc"] == SEVEN
    assert row.detail
    assert made.facts["rejected"] == {rule: 1}


def test_what_is_not_worth_translating_is_turned_away_before(monkeypatch: pytest.MonkeyPatch) -> None:
    paired = [Pair(id="p", texts={"sc": SENTENCES["sc"][1].upper(), "it": "..."}, **COMMON)]
    texts = [
        *documents(SENTENCES["sc"][0], SENTENCES["sc"][1], SENTENCES["sc"][0], "Eja, emmo.", " ".join(["Longu"] * 80)),
        *documents(SENTENCES["sc"][2], origin="mt", engine="nllb"),
        Document(id="it", language="it", text=SENTENCES["it"][3], **COMMON),
    ]
    made = done(monkeypatch, ITALIAN, texts, paired=paired)
    assert [pair.texts["sc"] for pair in made.pairs] == [SENTENCES["sc"][0]]
    assert Counter(row.rule for row in made.rejected) == {
        "paired already": 1, "duplicate": 1, "too short": 1, "too long": 1, "not authentic": 1,
    }  # fmt: skip
    with pytest.raises(StageError, match="no authentic sentence to translate in 'other'"):
        done(monkeypatch, ITALIAN, texts, source="other")


def test_norms_sources_and_the_number_are_chosen_from(monkeypatch: pytest.MonkeyPatch) -> None:
    lsc = documents(*SENTENCES["sc"][:6], norm="lsc")
    others = [Document(id="c", language="sc", text=SENTENCES["sc"][7], **{**COMMON, "source": "t"})]
    made = done(monkeypatch, ITALIAN, [*lsc, *others], norms=["lsc"], max_sentences=4)
    assert len(made.pairs) == 4
    assert made.facts["left_out"] == 2
    assert {pair.norm for pair in made.pairs} == {"lsc"}
    again = done(monkeypatch, ITALIAN, [*others, *reversed(lsc)], norms=["lsc"], max_sentences=4)
    assert again.pairs == made.pairs  # whatever the order they came in
    assert [p.source for p in done(monkeypatch, ITALIAN, [*lsc, *others], source="t").pairs] == ["t"]


def test_the_round_trip_keeps_what_comes_home_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    home = {italian: sardinian for sardinian, italian in ITALIAN.items()}
    back = {"it": {**APERTIUM, "source_language": "it"}}
    made = done(monkeypatch, ITALIAN, documents(*SENTENCES["sc"]), home=home, way_back=back, min_round_trip=50)
    assert len(made.pairs) == 10
    assert made.facts["into"]["it"]["round_trip"] == {
        "engine": "book", "mean_chrf": 100.0, "at_least": 50.0, "sentences": 10,
    }  # fmt: skip
    one_way = done(monkeypatch, ITALIAN, documents(*SENTENCES["sc"]), min_round_trip=50)
    assert one_way.facts["into"]["it"]["round_trip"] == "no way back"  # Apertium has none of itself
    own: dict[str, Any] = {"engine": {"engine": "model", "folder": "there"}, "min_round_trip": 50}
    turned = done(monkeypatch, ITALIAN, documents(*SENTENCES["sc"]), home=home, **own)
    assert turned.facts["into"]["it"]["round_trip"]["sentences"] == 10  # a model goes both ways
    unasked = done(monkeypatch, ITALIAN, documents(*SENTENCES["sc"]), home=home, **(own | {"min_round_trip": 0}))
    assert unasked.facts["into"]["it"]["round_trip"] == "not asked for (min_round_trip: 0)"


def test_a_second_run_asks_for_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Book] = []

    def open_engine(*_: Any) -> Book:
        opened.append(Book(ITALIAN))
        return opened[-1]

    monkeypatch.setattr(back_translation, "open_engine", open_engine)
    index = EvaluationIndex([])
    translator = BackTranslator(settings(), SARDINIAN, index, None, None)
    first, second = (translator.translate(documents(*SENTENCES["sc"]), [], 1) for _ in range(2))
    assert first.pairs == second.pairs
    assert len(opened[0].calls) == 10
    assert opened[1].calls == []
    assert second.facts["into"]["it"]["sentences"]["from_the_cache"] == 10


def test_the_stage_makes_conversations_of_them_and_keeps_the_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(back_translation, "open_engine", lambda *_: Book(ITALIAN))
    inputs = corpus(tmp_path / "in", [])
    from llimba.records import write_records

    write_records(inputs["corpus"] / "documents.jsonl", documents("Custa est una fràsia noa de unu libru."))
    monkeypatch.setitem(
        ITALIAN, "Custa est una fràsia noa de unu libru.", "Ecco qui qualche parola nuova presa dal libro."
    )
    asked = {"directions": ["sc-it"], "back_translate": {"into": ["it"], "engine": dict(APERTIUM)}, "min_words": 2}
    facts = run(recipe(tmp_path, instruct=asked), inputs, tmp_path)
    (pair,) = read_records(tmp_path / "back_translated.jsonl", Pair)
    assert pair.texts["it"] == "Ecco qui qualche parola nuova presa dal libro."
    (talk,) = [c for c in read_records(tmp_path / "conversations.jsonl", Conversation) if c.back_translated]
    assert talk.task == "translation:it-sc"  # the other direction would learn to write what a machine wrote
    assert talk.messages[-1]["content"] == "Custa est una fràsia noa de unu libru."
    assert facts["by_back_translation"] == {"book": 1}
    assert facts["back_translated"]["pairs"] == 1
    assert facts["tasks"]["translation:it-sc"] == 1
    assert list(read_jsonl(tmp_path / "rejected.jsonl")) == []


def test_the_recipe_is_checked(tmp_path: Path) -> None:
    def checked(**changes: Any) -> Any:
        section = {"into": ["it", "en"], "engine": {"engine": "model"}, **changes}
        return recipe(tmp_path, instruct={"back_translate": section})

    loaded = checked()
    assert needs(loaded) == ("cpt",)
    assert needs(checked(engine={"engine": "model", "folder": "there"})) == ()
    assert needs(checked(engine={"engine": "apertium", "route": ["x"]}, way_back={"it": {
        "engine": "model", "source_language": "it"}})) == ("cpt",)  # fmt: skip
    assert loaded.instruct.back_translate.engine.source_language == ""
    anchored = checked(engines={"it": {"engine": "model", "folder": "there"}}).instruct.back_translate.engines["it"]
    assert anchored.folder == tmp_path / "there"
    for changes, message in (
        ({"into": ["sc"]}, "'sc' must be another language"),
        ({"into": ["xx"]}, "'xx' must be another language"),
        ({"engine": None}, "nothing translates into 'it': set engine, or engines.it"),
        ({"engine": {"engine": "model", "source_language": "it"}}, "must translate from 'sc'"),
        ({"source": "nowhere"}, "there is no source 'nowhere'"),
        ({"norms": ["nowhere"]}, "there is no norm 'nowhere' in the profile of srd"),
        ({"way_back": {"it": {"engine": "model", "source_language": "en"}}}, "source_language must be 'it'"),
        ({"engine": {"engine": "apertium"}}, "route: is missing"),
    ):
        with pytest.raises(RecipeError, match=message):
            checked(**changes)  # type: ignore[arg-type]
