"""Which source the scored sentences and texts come from; a data set of the hub by its id, for cards to name it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from llimba.recipe import HubSource, Recipe
from llimba.records import Document, Pair
from llimba.reports.scores import ScoredSet


def scored_sets(
    recipe: Recipe, rows: Mapping[str, Sequence[Pair]], texts: Mapping[str, Sequence[Document]]
) -> dict[str, ScoredSet]:
    """By source: the sentences of each direction and the documents of each language that the scores rest on."""
    less = recipe.evaluate.max_sentences is not None or recipe.evaluate.max_words is not None
    sentences = {way: Counter(pair.source for pair in pairs) for way, pairs in rows.items()}
    documents = {code: Counter(document.source for document in of) for code, of in texts.items()}
    found = {}
    for name, source in recipe.sources.items():
        of_rows = {way: counts[name] for way, counts in sentences.items() if counts[name]}
        of_texts = {code: counts[name] for code, counts in documents.items() if counts[name]}
        if of_rows or of_texts:
            held_out = source.role == "train"
            place = (
                {"dataset": source.dataset, "subset": source.subset, "split": source.split, "revision": source.revision}
                if isinstance(source, HubSource)
                else {}
            )
            found[name] = ScoredSet.model_validate(
                {
                    **place,
                    "held_out": held_out,
                    "partly": less or source.max_documents is not None or "[" in str(place.get("split")),
                    "sentences": of_rows,
                    "documents": of_texts,
                }
            )
    return found
