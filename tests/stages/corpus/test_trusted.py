"""Trusted texts loosen the rules that would reject pages like them, tighten none, and leave what a speaker chose."""

from typing import Any

from llimba.languages.profile import Language, Quality, load_language
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair
from llimba.stages.corpus.quality import judge
from llimba.stages.corpus.trusted import MIN_PAGES, learn_thresholds, qualities
from tests.fakes import SENTENCES

PROFILE = load_language("srd")
COMMON: dict[str, Any] = {"license": "x", "provenance": "p"}
VERSE = "\n".join(sentence.rstrip(".!?") for sentence in SENTENCES["sc"])  # no line ends as a sentence does


def documents(count: int = MIN_PAGES, source: str = "verse") -> list[Document]:
    return [Document(id=f"{n}", text=VERSE, language="sc", source=source, **COMMON) for n in range(count)]


def learned(profile: Language = PROFILE, given: list[Document] | None = None, **settings: Any) -> dict[str, float]:
    section = CorpusSection(**{"trusted": ["verse"], **settings})
    found = learn_thresholds(section, profile, documents() if given is None else given, [])
    return {row.field: row.learned for row in found}


def test_a_rule_that_good_pages_break_is_loosened_and_no_other() -> None:
    assert judge(VERSE, PROFILE.quality, PROFILE.alphabet) is not None
    rows = learn_thresholds(CorpusSection(trusted=["verse"]), PROFILE, documents(), [])
    assert [(row.language, row.rule, row.default, row.learned, row.pages) for row in rows] == [
        ("sc", "no sentences", 0.1, 0.0, MIN_PAGES)
    ]
    own = qualities(PROFILE, rows)["sc"]
    assert judge(VERSE, own, PROFILE.alphabet) is None
    assert own.model_copy(update={"min_ended_lines": 0.1}) == PROFILE.quality


def test_sources_for_the_identifier_are_trusted_too_and_those_without_rules_are_not() -> None:
    assert learned(trusted=[], identify=["verse"]) == {"min_ended_lines": 0.0}
    assert learned(trusted=[]) == {}
    assert learned(exempt=["verse"]) == {}


def test_few_pages_and_pages_to_score_on_teach_nothing() -> None:
    assert learned(given=documents(MIN_PAGES - 1)) == {}
    scored = [Document(**{**vars_of(d), "role": "evaluate"}) for d in documents()]
    assert learned(given=scored) == {}


def vars_of(document: Document) -> dict[str, Any]:
    return {name: getattr(document, name) for name in document.__dataclass_fields__}


def test_what_a_speaker_chose_stays() -> None:
    strict = PROFILE.model_copy(update={"quality": Quality(min_ended_lines=0.5)})
    assert learned(strict) == {}


def test_one_bad_page_among_many_decides_nothing() -> None:
    page = "\n".join(SENTENCES["sc"])
    good = [Document(id=f"g{n}", text=page, language="sc", source="verse", **COMMON) for n in range(400)]
    assert learned(given=[*documents(1), *good]) == {}
    assert learned(given=[*documents(40), *good]) == {"min_ended_lines": 0.0}


def test_pairs_are_put_together_into_pages_of_each_language() -> None:
    pairs = [
        Pair(
            id=f"{n}",
            texts={"sc": SENTENCES["sc"][n % 4].upper(), "it": SENTENCES["it"][n % 4]},
            source="verse",
            **COMMON,
        )
        for n in range(10 * MIN_PAGES)
    ]
    rows = learn_thresholds(CorpusSection(trusted=["verse"]), PROFILE, [], pairs)
    assert {(row.language, row.field, row.learned) for row in rows if row.field == "max_capital_share"} == {
        ("sc", "max_capital_share", 1.0)
    }
