"""How published scores compare with ours: the same sentences, some of them, or others; and how ours were asked."""

from llimba.recipe.published_scores.table import Published, Sentences
from llimba.reports.scored_text import published_notes, scored_on
from llimba.reports.scores import ScoredSet, Scores
from tests.reports.scores import SCORES

TABLE = Published(
    title="Others", source="their card", conditions="Greedy", sentences=12, systems={"x": {"it-sc": {"bleu": 1.0}}}
)
ON = Sentences(dataset="them/flores", split="test", name="FLORES-200 dev")
SET = ScoredSet(dataset="them/flores", split="test", sentences={"it-sc": 12})


def scores(table: Published, **sets: ScoredSet) -> Scores:
    return SCORES.model_copy(update={"published": [table], "sets": sets})


def test_the_same_sentences() -> None:
    same = TABLE.model_copy(update={"evaluated_on": ON})
    (note,) = published_notes(scores(same, flores=SET))
    assert "Scored here on the same 12 sentences (FLORES-200 dev, `them/flores`, split test)." in note
    assert "Here: prompt `" in note and "the answer is the first line" in note
    assert scored_on(scores(same, flores=SET)) == "FLORES-200 dev (`them/flores`, split test)"
    sliced = SET.model_copy(update={"split": "test[:12]"})
    assert "the same 12 sentences" in published_notes(scores(same, flores=sliced))[0]


def test_some_of_them() -> None:
    table = TABLE.model_copy(update={"evaluated_on": ON, "sentences": 997})
    assert "Scored here on 12 sentences of the same set" in published_notes(scores(table, flores=SET))[0]


def test_others() -> None:
    same = TABLE.model_copy(update={"evaluated_on": ON})
    more = ScoredSet(sentences={"it-sc": 3})
    for table, sets in (
        (TABLE, {"flores": SET}),
        (same, {}),
        (same, {"flores": SET, "mine": more}),
        (same, {"flores": SET.model_copy(update={"split": "dev"})}),
        (same, {"flores": SET.model_copy(update={"held_out": True})}),
    ):
        assert "Other sentences than here." in published_notes(scores(table, **sets))[0]
    assert (
        scored_on(scores(TABLE, flores=SET, mine=more)) == "`them/flores` (split test) and held-out text of the recipe"
    )
