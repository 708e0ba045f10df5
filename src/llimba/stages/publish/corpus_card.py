"""The data set card of the corpus, from the same manifests, for those who may publish their text.

It lies beside the model folder, never in it: whoever publishes a model does not publish its text by that.
"""

from collections import Counter
from collections.abc import Mapping

from llimba.manifest import Manifest
from llimba.recipe import Recipe
from llimba.reports.markdown import markdown_table
from llimba.stages.corpus_facts import CorpusFacts

SIZES = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}


def corpus_card(recipe: Recipe, manifests: dict[str, Manifest], title: str) -> str:
    """README.md of a data set with the corpus stage's documents and pairs; what is scored on is not part of it."""
    from huggingface_hub import DatasetCardData

    corpus = manifests["corpus"].facts_as(CorpusFacts)
    trained = {name: of for name, of in corpus.sources.items() if of.role == "train"}
    documents, pairs = (sum(getattr(of, kind) for of in trained.values()) for kind in ("documents", "pairs"))
    words = Counter[str]()
    for of in trained.values():
        words.update(of.words)
    rows = documents + pairs
    header = DatasetCardData(
        language=list(words) or [recipe.profile.code],
        license=list(dict.fromkeys(part.terms.hub for part in recipe.derived_license.parts[1:])),
        pretty_name=f"{title} corpus",
        size_categories=next((size for most, size in SIZES.items() if rows < most), "n>10M"),
        task_categories=["text-generation", "translation"],
    ).to_yaml()
    found = corpus.contamination
    table = markdown_table(
        ["source", "licence", "documents", "pairs", "words"],
        [[name, of.license, of.documents, of.pairs, words_text(of.words)] for name, of in trained.items()],
    )
    spoken = recipe.profile.name(recipe.profile.code, "en")
    return f"""---
{header.strip()}
---

# {title} corpus

{spoken} text with replay, cleaned by llimba: {documents} documents and {pairs} pairs, in `documents.jsonl` and
`pairs.jsonl` of the corpus stage ({manifests["corpus"].fingerprint}).
Every record names its source, licence and origin.

**Look before you publish:** a licence that lets you train does not always let you hand the text on. Take out what you
may not give; each record's `license` and `source` say what it is.

{table}
{found.evaluation_sentences} evaluation sentences were searched for, {found.hits_removed} passages were removed,
{found.surviving} survive.
"""


def words_text(words: Mapping[str, int]) -> str | None:
    """Words by language, for a cell."""
    return ", ".join(f"{language} {count:,}" for language, count in words.items()) or None
