"""A share is a share of tokens, met to the token, and too little text is an error."""

import numpy as np
import pytest

from llimba.errors import StageError
from llimba.recipe import Phase
from llimba.records import Document
from llimba.stages.cpt.mixture import key_of, mix
from llimba.training.examples import Example


def texts(language: str, lengths: list[int]) -> list[Example]:
    return [
        Example(f"{language}{i}", language, np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32))
        for i, n in enumerate(lengths)
    ]


def one_phase(**mixture: float) -> list[Phase]:
    return [Phase(share=1, mixture=mixture)]


def tokens(examples: list[Example]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.language] = counts.get(example.language, 0) + len(example.input_ids)
    return counts


@pytest.mark.parametrize(
    ("budget", "expected"), [(100, {"sc": 83, "it": 17}), (None, {"sc": 200, "it": 41}), (1000, {"sc": 200, "it": 41})]
)
def test_shares_are_exact_and_bounded_by_the_target_text(budget: int | None, expected: dict[str, int]) -> None:
    examples = texts("sc", [70, 60, 70]) + texts("it", [30, 30, 30])
    assert tokens(mix(examples, one_phase(sc=0.83, it=0.17), budget, "sc", 1)) == expected


def test_nothing_is_repeated_and_order_of_input_does_not_matter() -> None:
    examples = texts("sc", [10] * 20) + texts("it", [10] * 20)
    one = mix(examples, one_phase(sc=0.5, it=0.5), 100, "sc", 3)
    two = mix(examples[::-1], one_phase(sc=0.5, it=0.5), 100, "sc", 3)
    assert {e.document for e in one} == {e.document for e in two}
    assert len({e.document for e in one}) == len(one)


def test_too_little_replay_is_an_error_with_numbers() -> None:
    with pytest.raises(StageError, match="50% of 200 tokens is 100 tokens of 'it', but the corpus has 30"):
        mix(texts("sc", [100]) + texts("it", [30]), one_phase(sc=0.5, it=0.5), None, "sc", 1)


def test_without_shares_everything_stays() -> None:
    examples = texts("sc", [10, 20]) + texts("it", [5])
    assert mix(examples, one_phase(), None, "sc", 1) == examples
    assert (
        tokens(mix(examples, one_phase(), 12, "sc", 1))
        and sum(tokens(mix(examples, one_phase(), 12, "sc", 1)).values()) == 12
    )


def token_places(examples: list[Example]) -> list[tuple[str, int]]:
    """Every token by its document and place in it, which `texts` wrote into the ids."""
    return [(example.document, int(i)) for example in examples for i in example.input_ids]


PHASES = [
    Phase(share=0.75, mixture={"sc": 0.6, "it": 0.4}),
    Phase(share=0.25, mixture={"pairs": 0.8, "it": 0.2}),
]


def test_every_phase_has_its_shares_to_the_token_and_no_token_is_used_twice() -> None:
    examples = texts("sc", [30] * 40) + texts("it", [30] * 40) + texts("pairs", [30] * 40)
    chosen = mix(examples, PHASES, 1000, "sc", 1)
    assert [e.phase for e in chosen] == sorted(e.phase for e in chosen)
    assert tokens([e for e in chosen if e.phase == 0]) == {"sc": 450, "it": 300}
    assert tokens([e for e in chosen if e.phase == 1]) == {"pairs": 200, "it": 50}
    places = token_places(chosen)
    assert len(set(places)) == len(places) == 1000
    by_tokens = [Phase(max_tokens=750, mixture=PHASES[0].mixture), Phase(max_tokens=250, mixture=PHASES[1].mixture)]
    same = mix(examples, by_tokens, None, "sc", 1)
    assert token_places(same) == places


def test_an_example_cut_at_a_border_goes_on_in_the_next_phase() -> None:
    halves = [Phase(share=0.5, mixture={"sc": 1.0})] * 2
    chosen = mix(texts("sc", [100]), halves, None, "sc", 1)
    assert [(e.phase, e.input_ids.tolist()) for e in chosen] == [(0, list(range(50))), (1, list(range(50, 100)))]
    assert chosen[1].labels.tolist() == list(range(50, 100))


def test_phases_share_the_text_of_the_language_to_be_learned() -> None:
    phases = [Phase(share=0.5, mixture={"sc": 0.5, "it": 0.5}), Phase(share=0.5, mixture={"sc": 1.0})]
    chosen = mix(texts("sc", [75, 75]) + texts("it", [100]), phases, 10_000, "sc", 1)
    assert tokens(chosen) == {"sc": 150, "it": 50}


def test_rounding_never_asks_for_more_than_there_is() -> None:
    for there in range(95, 125):
        thirds = [Phase(share=1 / 3, mixture={"sc": 0.6, "it": 0.4})] * 3
        chosen = mix(texts("sc", [there]) + texts("it", [100]), thirds, None, "sc", 1)
        assert tokens(chosen)["sc"] == there


def test_text_that_runs_out_is_an_error_or_begins_again() -> None:
    examples = texts("sc", [60, 60]) + texts("it", [20, 20])
    phases = [
        Phase(max_tokens=100, mixture={"sc": 0.7, "it": 0.3}),
        Phase(max_tokens=100, mixture={"sc": 0.7, "it": 0.3}),
    ]
    with pytest.raises(StageError, match=r"cpt.phases: 70% of 200 tokens is 140 tokens of 'sc'.*has 120.*repeat: true"):
        mix(examples, phases, None, "sc", 1)
    chosen = mix(examples, phases, None, "sc", 1, repeat=True)
    assert tokens(chosen) == {"sc": 140, "it": 60}
    places = token_places(chosen)
    assert max(places.count(place) for place in set(places)) == 2  # none a third time while another was read once
    with pytest.raises(StageError, match="'pairs', but the corpus has 0"):
        mix(examples, [Phase(share=1, mixture={"sc": 0.5, "pairs": 0.5})], 100, "sc", 1, repeat=True)


def test_a_document_counts_under_the_closest_key_that_is_named() -> None:
    document = Document(id="d", text="x", language="sc", source="handbook", license="x", provenance="p", origin="mt")
    assert key_of(document, "sc", {"sc"}) == "sc"
    assert key_of(document, "sc", {"sc", "sc/mt"}) == "sc/mt"
    assert key_of(document, "sc", {"sc", "sc/mt", "sc/handbook"}) == "sc/handbook"
    assert key_of(document, "sc", {"sc/human"}) == "sc"
