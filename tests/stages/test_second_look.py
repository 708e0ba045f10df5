"""The proof looks another way: it sees what is left in every layout, and nothing where the removal has been."""

import random

import pytest
from benchmarks.layouts import LAYOUTS, left, lost, plant

from llimba.languages.profile import load_language
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.running_text import variants
from llimba.stages.second_look import SecondLook
from tests.fakes import SENTENCES

ALIKE = variants(load_language("srd").spelled_alike)
WORDS = [word for line in SENTENCES["sc"] for word in line.rstrip(".").lower().split()]
SEPARATORS = [" ", "\n", "-\n", "\n\n12\n\n", "\nCONTOS\n", " | ", "\t", "   ", ", ", ". ", "\u00ad\n", "\r\n"]


def sentence(chance: random.Random, low: int = 12, high: int = 24) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(low, high))).capitalize() + "."


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_seen_by_both_and_clean_afterwards(layout: str) -> None:
    chance = random.Random(7)
    scored = [sentence(chance) for _ in range(25)]
    pages = [[sentence(chance) for _ in range(8)] for _ in range(10)]
    made = [page for page in plant(pages, scored, 25, chance) if page.layout == layout]
    given = [(f"e{n}", text) for n, text in enumerate(scored)]
    alike = ALIKE if layout == "spelled otherwise" else ()  # a page head may divide the tz of a word: known, rare
    index, proof = EvaluationIndex(given, alike), SecondLook(given, alike)
    missed = broken = unseen = 0
    for page in made:
        unseen += not proof.found(page.text)
        clean, removed = index.without(page.text)
        assert removed
        assert not proof.found(clean)
        missed += left(page, clean)
        broken += lost(page, clean) > 0
    assert (missed, broken) == (0, 0)
    assert unseen <= 25 * 0.2, "a sentence broken in a word by a page head may have too little on either side"


def test_whatever_is_left_is_no_longer_seen() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        words = chance.sample(WORDS, chance.choice([5, 12, 30]))
        given = [(f"e{n}", " ".join(chance.choices(words, k=chance.randint(1, 20)))) for n in range(8)]
        given.append(("d", "\n".join(" ".join(chance.choices(words, k=chance.randint(1, 10))) for _ in range(5))))
        text = ""
        for _ in range(chance.randint(1, 10)):
            source = chance.choice(given)[1] if chance.random() < 0.6 else " ".join(chance.choices(words, k=9))
            for word in source.split():
                broken = f"{word[:2]}-\n{word[2:]}" if chance.random() < 0.1 and len(word) > 3 else word
                text += broken + (chance.choice(SEPARATORS) if chance.random() < 0.15 else " ")
        clean, _ = EvaluationIndex(given, ALIKE).without(text)
        assert not SecondLook(given, ALIKE).found(clean), seed


def test_what_is_not_contaminated_is_not_seen() -> None:
    proof = SecondLook([("e", "Sas limbas de minoria tenent bisòngiu de traballu comunu e de iscola ònnia die.")])
    assert proof.found("... minoria tenent bisòngiu de traballu comunu e de ...")
    assert not proof.found("Sas limbas de minoria tenent bisòngiu de àteru. Traballu comunu e de iscola ònnia die.")
    assert not SecondLook([("e", "Bona die a totus")]).found("Bona die a totus")
