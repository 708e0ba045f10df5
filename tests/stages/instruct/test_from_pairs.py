"""Pairs become conversations in the named directions, varied and stable."""

from llimba.languages.profile import load_language
from llimba.recipe import InstructSection
from llimba.records import Pair
from llimba.stages.instruct.from_pairs import conversations
from tests.fakes import SENTENCES

PAIRS = [
    Pair(
        id=f"p{i}",
        texts={code: SENTENCES[code][i] for code in ("sc", "it", "en")},
        source="s",
        license="x",
        provenance="p",
    )
    for i in range(10)
]
SARDINIAN = load_language("srd")


def build(**settings: object) -> list:
    return list(conversations(PAIRS, InstructSection(**settings), SARDINIAN, seed=1))  # type: ignore[arg-type]


def test_prompt_holds_the_source_and_the_answer_is_the_target() -> None:
    built = build(directions=["it-sc"], system_prompt_share=0.0)
    assert len(built) == 10
    for conversation in built:
        user, assistant = conversation.messages
        index = SENTENCES["it"].index(next(s for s in SENTENCES["it"] if s in user["content"]))
        assert assistant["content"] == SENTENCES["sc"][index]
        assert conversation.task == "translation:it-sc"


def test_wordings_languages_and_system_prompts_vary() -> None:
    built = build(directions=["en-sc", "sc-en"], prompt_languages=["en", "it", "sc"], system_prompt_share=0.5)
    assert len(built) == 20
    openings = {c.messages[-2]["content"].split()[0] for c in built}
    assert {"Traduci", "Borta"} & openings
    assert {"Translate", "How"} & openings
    assert 0 < sum(c.messages[0]["role"] == "system" for c in built) < 20
    settings = InstructSection(
        directions=["en-sc", "sc-en"], prompt_languages=["en", "it", "sc"], system_prompt_share=0.5
    )
    fewer = list(conversations(PAIRS[::-2], settings, SARDINIAN, seed=1))
    assert len(fewer) == 10
    assert all(one in built for one in fewer), "what is drawn for a pair does not depend on the others"
    assert built != list(conversations(PAIRS, settings, SARDINIAN, seed=2))


def test_lengths_and_missing_languages_are_left_out() -> None:
    assert build(directions=["es-sc"]) == []
    assert build(directions=["it-sc"], min_words=50) == []
    assert 0 < len(build(directions=["it-sc"], max_words=7)) < 10
