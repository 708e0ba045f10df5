"""What the header says that the scores rest on: a data set of the hub by id and split, else text of the recipe."""

from pathlib import Path

from huggingface_hub import ModelCard

from llimba.recipe.published_scores.table import read_published
from llimba.reports.scores import ScoredSet, Scores
from llimba.stages.publish.card import card
from llimba.stages.publish.cpt_card import cpt_card
from tests.fakes import recipe
from tests.reports.scores import SCORES
from tests.stages.publish.released import manifests, released

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FLORES = ScoredSet(
    dataset="lballore/llimba-flores-srd-eval", split="test", sentences={"it-sc": 12}, documents={"it": 3, "sc": 2}
)
CORPUS = ScoredSet(dataset="lballore/llimba-corpus", split="train", held_out=True, documents={"sc": 1})


def scored(*, published: bool = False, **sets: ScoredSet) -> Scores:
    """Scores that rest on these sets."""
    tables = [read_published("llimba-3b")] if published else []
    return SCORES.model_copy(update={"sets": sets, "published": tables})


def test_a_data_set_of_the_hub_by_id_split_and_commit(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    made = manifests(loaded)
    made["sources"].facts["sources"] = {"flores": {"revision": COMMIT}}
    scores = scored(published=True, flores=FLORES, corpus=CORPUS)
    data = ModelCard(card(released(loaded, scores=scores, made=made))).data
    first = data.eval_results[0]
    assert (first.dataset_name, first.dataset_type) == ("FLORES-200 dev, 12 sentences", FLORES.dataset)
    assert (first.dataset_split, first.dataset_revision) == ("test", COMMIT)
    texts = {result.metric_name: result for result in data.eval_results if result.metric_type == "bits_per_byte"}
    assert texts["it bits per byte"].dataset_type == FLORES.dataset
    assert texts["sc bits per byte"].dataset_name == "FLORES-200 dev and lballore/llimba-corpus, 3 documents"


def test_the_published_recipe_says_neither_other_sentences_nor_its_own_text(tmp_path: Path) -> None:
    scores = scored(published=True, flores=FLORES, corpus=CORPUS)
    for text in (card(released(recipe(tmp_path), scores=scores)), cpt_card(released(recipe(tmp_path), "cpt", scores))):
        assert "ther sentences" not in text and "held-out text of the recipe" not in text
        assert "FLORES-200 dev (`lballore/llimba-flores-srd-eval`, split test)" in text
        assert "author = {Luca Ballore}" in text and "eprint = {2605.09015}" in text
        assert "Here: prompt `" in text, "prompt and first-line rule stand beside the published row"


def test_any_other_data_set_by_its_id_and_files_as_before(tmp_path: Path) -> None:
    theirs = ScoredSet(dataset="them/eval", split="dev", revision="v1", sentences={"it-sc": 12}, documents={"it": 3})
    first = ModelCard(card(released(recipe(tmp_path), scores=scored(theirs=theirs)))).data.eval_results[0]
    assert (first.dataset_name, first.dataset_type) == ("them/eval, 12 sentences", "them/eval")
    assert (first.dataset_split, first.dataset_revision) == ("dev", "v1")
    few = ModelCard(card(released(recipe(tmp_path), scores=scored(flores=FLORES)))).data.eval_results[0]
    assert few.dataset_name == "FLORES-200 dev, 12 sentences", "also where no published table stands beside it"
    files = ScoredSet(sentences={"it-sc": 12}, documents={"it": 3})
    for sets in ({}, {"mine": files}):
        first = ModelCard(card(released(recipe(tmp_path), scores=scored(**sets)))).data.eval_results[0]
        assert (first.dataset_name, first.dataset_type) == ("held-out text of the recipe", "llimba-held-out")
    mixed = ModelCard(card(released(recipe(tmp_path), scores=scored(mine=files, theirs=theirs)))).data.eval_results[0]
    assert mixed.dataset_type == "llimba-held-out"
    assert mixed.dataset_name == "held-out text of the recipe and them/eval, 12 sentences"


def test_authors_and_their_paper(tmp_path: Path) -> None:
    paper = {"title": "Boes", "authors": ["Ada Piras"], "year": 2026, "url": "https://boes.example"}
    text = card(released(recipe(tmp_path, publish={"authors": ["Ada Piras", "B. Sanna"], "paper": paper})))
    assert "author = {Ada Piras and B. Sanna}" in text
    assert "@misc{boes2026," in text and "url = {https://boes.example}" in text
    assert "author" not in card(released(recipe(tmp_path))).partition("## Citation")[2], "nobody is invented"
