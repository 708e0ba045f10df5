"""Thresholds of quality learned from the texts that a recipe trusts, so that no rule rejects a whole language.

The defaults were chosen on one document in 530 languages; a language's own pages know better. From the documents of
`corpus.trusted` and `corpus.identify`, and from pages put together of their pairs, each rule learns what good pages in
each language measure, and is loosened to let them through. No rule gets stricter, and what the profile says
otherwise than the defaults stays: a speaker has chosen it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from llimba.languages.profile import Language, Quality
from llimba.recipe import CorpusSection
from llimba.records import Document, Pair
from llimba.stages.corpus.measure import measure
from llimba.stages.corpus.quality import JUDGED_FROM, RULES, values
from llimba.stages.corpus_facts import Threshold

logger = logging.getLogger(__name__)

MIN_PAGES, MAX_PAGES = 20, 2000  # of a language; fewer say little, more does not help
PASSING = 0.99  # of the trusted pages, by each rule
MARGIN = 0.1  # of the value learned: the next page is no copy of these
PAGE_LINES = 10  # of a page put together from pairs


def learn_thresholds(
    settings: CorpusSection, profile: Language, documents: Iterable[Document], pairs: Iterable[Pair]
) -> list[Threshold]:
    """The thresholds that trusted texts loosen; none where the recipe trusts none, or where they fit already."""
    found = []
    for language, pages in _measured(settings, profile, documents, pairs).items():
        if len(pages) < MIN_PAGES:
            continue
        for rule, _, field, minimum in RULES:
            seen = sorted(page[field] for page in pages if field in page)
            default = getattr(profile.quality, field)
            if default != Quality.model_fields[field].default or not seen:
                continue
            learned = _loosened(seen, default, minimum, share=not field.endswith("mean_word"))
            if learned != default:
                found.append(Threshold(language, rule, field, default, learned, len(seen)))
    for row in found:
        logger.info(
            "  %s, '%s': %s is %s in place of %s, learned from %d trusted pages",
            row.language, row.rule, row.field, row.learned, row.default, row.pages,
        )  # fmt: skip
    return found


def qualities(profile: Language, learned: Iterable[Threshold]) -> dict[str, Quality]:
    """The thresholds of each language that has any of its own."""
    changed: dict[str, dict[str, float]] = defaultdict(dict)
    for row in learned:
        changed[row.language][row.field] = row.learned
    return {language: profile.quality.model_copy(update=fields) for language, fields in changed.items()}


def _measured(
    settings: CorpusSection, profile: Language, documents: Iterable[Document], pairs: Iterable[Pair]
) -> Mapping[str, list[dict[str, float]]]:
    """By language what the trusted pages measure; sources that no rule looks at are no running text."""
    trusted = {*settings.trusted, *settings.identify} - set(settings.exempt)
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    if not trusted:
        return found
    alone = (d for d in documents if d.source in trusted and d.role == "train")
    for language, text in _both(alone, (p for p in pairs if p.source in trusted and p.role == "train")):
        if len(found[language]) < MAX_PAGES:
            page = measure(text)
            if len(page.words) >= JUDGED_FROM:
                found[language].append(values(page, profile.alphabet if language == profile.code else ""))
    return found


def _both(documents: Iterable[Document], pairs: Iterable[Pair]) -> Iterator[tuple[str, str]]:
    """Language and text of each document, and of each page of `PAGE_LINES` sides in a row."""
    for document in documents:
        yield document.language, document.text
    sides: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        for language, text in pair.texts.items():
            sides[language].append(text)
            if len(sides[language]) == PAGE_LINES:
                yield language, "\n".join(sides.pop(language))


def _loosened(seen: list[float], default: float, minimum: bool, share: bool) -> float:
    """What all but a hundredth of the sorted values pass, loosened by a tenth; never stricter than the default."""
    allowed = int(len(seen) * (1 - PASSING))
    if minimum:
        worst = seen[allowed]
        return default if worst >= default else round(worst * (1 - MARGIN), 3)
    worst = seen[-1 - allowed]
    return default if worst <= default else round(min(worst * (1 + MARGIN), 1.0) if share else worst * (1 + MARGIN), 3)
