"""Stage 2, `corpus`: normalise, hold out, reject with a reason, decontaminate, remove duplicates, and prove it.

Leaves `documents.jsonl`, `pairs.jsonl` and `conversations.jsonl` to train on; `held_out.jsonl` (documents for bits per
byte) and `evaluation.jsonl` (sentences for translation) to score on; `rejected.jsonl`, `contamination.jsonl` and
`foreign.jsonl` with everything that was removed and why; and the identifier, where one is trained.

Documents go through three datatrove pipelines: cleaning; after a comparison of all with all, duplicates; the proof.
Memory stays nearly flat as the input grows (`docs/corpus.md`).
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.languages.identify.fasttext import AnyIdentifier, FastText
from llimba.languages.text import words
from llimba.manifest import Json
from llimba.recipe import Recipe
from llimba.records import Document, Pair, write_records
from llimba.stages.corpus import aligned
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.foreign import learn
from llimba.stages.corpus.normal import normal_form
from llimba.stages.corpus.split import held_out, held_out_pairs, scored_documents
from llimba.stages.corpus.summary import by_language, by_source, described_rows
from llimba.stages.corpus.tables import Tables, gather, tasks_for
from llimba.stages.corpus.trusted import learn_thresholds, qualities
from llimba.stages.corpus_facts import Balance, Contamination, CorpusFacts, Counts, Threshold, Words
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder, SourcesFolder
from llimba.stages.running_text import variants
from llimba.stages.second_look import SecondLook

logger = logging.getLogger(__name__)


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Clean the sources' records; returns counts that add up exactly, words, and the contamination result."""
    sources, corpus, work = SourcesFolder(inputs["sources"]), CorpusFolder(out), out / "work"

    def pairs() -> Iterator[Pair]:
        return aligned.normal_pairs(sources, recipe.profile, recipe.corpus.as_is)

    held_out_ids = held_out_pairs(pairs, recipe.corpus, recipe.seed)
    scored_pairs = [pair for pair in pairs() if pair.role == "evaluate" or pair.id in held_out_ids]
    scored = scored_documents(scored_pairs, _evaluation_documents(recipe, sources))
    write_records(corpus.held_out_file, scored)
    write_records(corpus.evaluation_file, scored_pairs)
    alike = variants(recipe.profile.spelled_alike)
    index, proof = EvaluationIndex(corpus.scored_texts(), alike), SecondLook(corpus.scored_texts(), alike)
    identifier = _identifier(recipe, sources, pairs, corpus)
    learned = learn_thresholds(recipe.corpus, recipe.profile, _normal_documents(recipe, sources), pairs())
    documents = _clean_documents(recipe, sources, index, proof, identifier, learned, corpus)
    accounts = {"documents": documents, "pairs": Account(), "conversations": Account()}
    with Tables(work / "aligned", 0, ("rejected", "contamination")) as tables:
        kept = aligned.clean_pairs(pairs(), held_out_ids, index, accounts["pairs"], tables, recipe.corpus.as_is)
        write_records(corpus.pairs_file, kept)
        spoken = aligned.clean_conversations(sources.conversations(), index, accounts["conversations"], tables)
        write_records(corpus.conversations_file, spoken)
    hits = _gather(work, corpus)

    balances = {kind: account.balance(kind) for kind, account in accounts.items()}
    counts = Counts(**balances, lines_removed=documents.of("lines"))
    trained = by_language(documents)
    _check(recipe, counts.documents, trained)
    survivors = documents.of("surviving").get("documents", 0) + aligned.surviving(corpus, proof)
    if survivors:
        raise StageError(f"corpus: evaluation sentences survive in {survivors} texts to train on: a bug of llimba's.")
    shutil.rmtree(work)
    logger.info(
        "  %d documents and %d pairs to train on; %d sentences to score on; %d contaminated passages removed, 0 left",
        counts.documents.kept, counts.pairs.kept, len(scored_pairs), hits,
    )  # fmt: skip
    facts = CorpusFacts(
        counts=counts,
        words=Words(trained, _words(scored)),
        sources=by_source(recipe, accounts),
        documents=described_rows(documents),
        lengths={table.split()[1]: documents.of(table) for table in documents.counts if table.startswith("length ")},
        contamination=Contamination(len(index), hits, survivors),
        thresholds=learned,
    )
    return asdict(facts)


def _evaluation_documents(recipe: Recipe, sources: SourcesFolder) -> Iterator[Document]:
    """The documents to score on, normalised."""
    for document in sources.documents():
        if document.role == "evaluate" or held_out(document, recipe.profile.code, recipe.corpus, recipe.seed):
            yield replace(document, text=normal_form(document, recipe.profile, recipe.corpus.as_is))


def _normal_documents(recipe: Recipe, sources: SourcesFolder) -> Iterator[Document]:
    return (replace(d, text=normal_form(d, recipe.profile)) for d in sources.documents())


def _identifier(
    recipe: Recipe, sources: SourcesFolder, pairs: Callable[[], Iterator[Pair]], corpus: CorpusFolder
) -> AnyIdentifier | None:
    """The fastText model that the recipe names, else one trained on trusted sources (by a stopped run before)."""
    if recipe.corpus.identifier is not None:
        return FastText(recipe.corpus.identifier)
    if (trained := corpus.identifier()) is not None:
        return trained
    identifier = learn(recipe, _normal_documents(recipe, sources), pairs())
    if identifier is not None:
        identifier.save(corpus.identifier_file)
    return identifier


def _clean_documents(
    recipe: Recipe,
    sources: SourcesFolder,
    index: EvaluationIndex,
    proof: SecondLook,
    identifier: AnyIdentifier | None,
    learned: list[Threshold],
    corpus: CorpusFolder,
) -> Account:
    """Write `documents.jsonl`; returns its account. Shards and tables of all passes stay under `work` meanwhile."""
    from llimba.stages.corpus.clean import Clean, Cleaning
    from llimba.stages.corpus.executor import run_pipeline
    from llimba.stages.corpus.finish import Finish, Prove
    from llimba.stages.corpus.lines import LineHashes, find_repeated
    from llimba.stages.corpus.near import Signatures
    from llimba.stages.corpus.shards import RecordReader, ShardWriter

    path = sources.documents_file
    settings, work, tasks = recipe.corpus, corpus.path / "work", tasks_for(path)
    own = qualities(recipe.profile, learned)
    cleaning = Cleaning(settings, recipe.profile, recipe.seed, index, identifier, own)
    first = [
        RecordReader(path),
        Clean(cleaning, work / "clean"),
        ShardWriter(work / "clean" / "documents"),
        *([LineHashes(work / "lines", list(recipe.sources))] if settings.drops_lines else []),
        *([Signatures(work / "signatures")] if settings.near is not None else []),
    ]
    run_pipeline("cleaning", first, tasks, work / "logs" / "clean", settings.executor)

    twins = _twins(recipe, work, tasks)
    dropped = {rank: found.keys() for rank, found in twins.items()}
    repeated = work / "repeated" if settings.drops_lines else None
    if repeated is not None:
        find_repeated(work / "lines", repeated, tasks, dropped, settings.boilerplate_documents)
    second = [
        RecordReader(work / "clean" / "documents"),
        Finish(work / "finish", repeated, twins, settings, index),
        ShardWriter(work / "finish" / "documents"),
    ]
    run_pipeline("duplicates", second, tasks, work / "logs" / "finish", settings.executor)

    gather([work / "finish" / "documents"], corpus.documents_file)
    last = [RecordReader(corpus.documents_file), Prove(proof, work / "proof")]
    run_pipeline("proof", last, tasks, work / "logs" / "proof", settings.executor)
    return Account.total([work / "clean" / "account", work / "finish" / "account", work / "proof"])


def _twins(recipe: Recipe, work: Path, tasks: int) -> dict[int, dict[int, Any]]:
    """By task and document: which near-duplicates go."""
    from llimba.stages.corpus.near import Texts, candidates, twins

    if recipe.corpus.near is None:
        return {}
    pairs = candidates(work / "signatures", tasks)
    found: dict[int, dict[int, Any]] = {}
    texts = Texts(work / "clean" / "documents")
    for (rank, number), twin in twins(texts, pairs, recipe.corpus.near, list(recipe.sources)).items():
        found.setdefault(rank, {})[number] = twin
    return found


def _gather(work: Path, corpus: CorpusFolder) -> int:
    """Bring the tables of all passes together; returns the number of contaminated passages."""
    gather([work / part / "rejected" for part in ("clean", "finish", "aligned")], corpus.rejected_file)
    gather([work / part / "contamination" for part in ("clean", "finish", "aligned")], corpus.contamination_file)
    gather([work / "clean" / "foreign"], corpus.foreign_file)
    with corpus.contamination_file.open("rb") as handle:
        return sum(1 for _ in handle)


def _check(recipe: Recipe, documents: Balance, words: dict[str, int]) -> None:
    rejected = sum(documents.rejected.values())
    if rejected > recipe.corpus.max_rejected * documents.read:
        raise StageError(
            f"corpus.max_rejected: {rejected} of {documents.read} documents were rejected "
            f"({documents.rejected}), more than {recipe.corpus.max_rejected:.0%}. Look at them (llimba corpus show "
            f"{recipe.path} --rejected RULE); loosen the rule or correct the source."
        )
    if recipe.cpt is not None and not words.get(recipe.profile.code):
        raise StageError(
            f"corpus: no document in '{recipe.profile.code}' is left to train on (rejected: {documents.rejected}). "
            "Add text, or loosen the rules under corpus."
        )


def _words(documents: list[Document]) -> dict[str, int]:
    counted = Counter[str]()
    for document in documents:
        counted[document.language] += len(words(document.text))
    return dict(counted)
