"""Near-duplicates: candidates at every planted likeness, exact Jaccard decides, the better copy stays."""

import random
from pathlib import Path

import pytest

from llimba.records import Document
from llimba.stages.corpus.near import Signatures, Texts, candidates, jaccard, shingles, twins
from llimba.stages.corpus.shards import ShardWriter, carried

WORDS = [f"paraula{n}" for n in range(5000)]


def text(seed: int, words: int = 120) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def changed(words: list[str], replaced: int) -> list[str]:
    """The text with its last words replaced: a shingle is lost for each."""
    return [*words[: len(words) - replaced], *(f"nou{n}" for n in range(replaced))]


def document(name: str, words: list[str], **fields: str) -> Document:
    known = {"source": "web", "license": "x", "provenance": "p", "language": "sc"}
    return Document(id=name, text=" ".join(words), **{**known, **fields})


def found(folder: Path, *tasks: list[Document], threshold: float = 0.7) -> dict:
    for rank, documents in enumerate(tasks):
        passed = ShardWriter(folder / "documents")(map(carried, documents), rank, len(tasks))
        Signatures(folder / "signatures")(passed, rank, len(tasks))
    pairs = candidates(folder / "signatures", len(tasks))
    return twins(Texts(folder / "documents"), pairs, threshold, ["books", "web"])


def test_shingles_fold_and_short_texts_are_one() -> None:
    assert shingles("Sa domo est MANNA, e bella.") == {"sa domo est manna e", "domo est manna e bella"}
    assert shingles("Bona die!") == {"bona die"}
    assert shingles("...") == set()
    assert jaccard({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)
    assert jaccard(set(), set()) == 0


def test_all_pairs_above_the_threshold_are_found_and_none_below(tmp_path: Path) -> None:
    expected, documents = set(), []
    for seed in range(120):
        words = text(seed)
        other = changed(words, 4 + seed % 40)
        value = jaccard(shingles(" ".join(words)), shingles(" ".join(other)))
        documents += [document(f"{seed}", words), document(f"{seed}'", other)]
        if value >= 0.7:
            expected.add((0, len(documents) - 1))
    gone = found(tmp_path, documents)
    assert 40 < len(expected) < 110
    assert set(gone) == expected
    assert all(0.7 <= twin.jaccard < 1 for twin in gone.values())


def test_the_better_provenance_stays_wherever_it_stands(tmp_path: Path) -> None:
    words = text(1)
    machine = document("machine", words, source="books", origin="mt")
    web = document("web", words)
    book = document("book", changed(words, 3), source="books")
    gone = found(tmp_path, [machine], [web, book])
    assert {place: twin.kept for place, twin in gone.items()} == {(0, 0): "book", (1, 0): "book"}


def test_languages_do_not_mix_and_chains_keep_their_far_ends(tmp_path: Path) -> None:
    words = text(2)
    one = document("one", words)
    between = document("between", changed(words, 16))
    far = document("far", changed(changed(words, 16)[30:], 0))
    assert jaccard(shingles(one.text), shingles(far.text)) < 0.7
    gone = found(tmp_path, [one, document("it", words, language="it"), between, far])
    assert {place: twin.kept for place, twin in gone.items()} == {(0, 2): "one"}


def test_nothing_alike_nothing_goes(tmp_path: Path) -> None:
    assert found(tmp_path, [document("a", text(1))], [], [document("b", text(2)), document("c", [])]) == {}
