"""Back-translation: authentic sentences, translated out of the language by machine: pairs for the other direction.

A model then learns to write what people wrote; only what it reads was made by a machine. Training on such pairs beats
the other direction, whose targets are the machine's (arXiv 2603.25489; `docs/instructions.md`). A sentence of the
corpus's documents is translated as any row is (`machine_translation.py`: spans, cache, length, language), then checked
for what goes wrong in back-translation: copies, loops, evaluation text on either side, and a round trip that does not
return to the original.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from llimba import progress
from llimba.errors import StageError, set_at
from llimba.files import stable_fraction
from llimba.languages.profile import Language
from llimba.languages.text import fold, repeated_words, words
from llimba.models.translators.engine import Engine
from llimba.models.translators.engines import open_engine, way_back
from llimba.packages import cache_folder
from llimba.recipe import AnyTranslation, BackTranslation
from llimba.records import Document, Pair
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.instruct.cache import TranslationCache
from llimba.stages.instruct.machine_translation import Identify, Rejection, by_rule, translate_rows
from llimba.stages.instruct.segments import segments

logger = logging.getLogger(__name__)

HERE = "instruct.back_translate"
LOOP_FROM, LOOP_SHARE = 6, 0.3  # words of a translation; share of them that only repeat: a sentence rarely does


@dataclass
class BackTranslated:
    """Pairs whose side in the language is authentic and whose other side is a machine's."""

    pairs: list[Pair] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BackTranslator:
    """What back-translation is done with: `index` holds what is evaluated on, in all languages."""

    settings: BackTranslation
    language: Language
    index: EvaluationIndex
    identify: Identify | None
    cpt: Path | None

    def translate(self, documents: Iterable[Document], paired: Iterable[Pair], seed: int) -> BackTranslated:
        """Translate authentic sentences into every language of `settings.into`, and keep what passes.

        `paired` are the pairs there are already: a sentence among them needs no machine. Raises `StageError` where
        there is no sentence to translate.
        """
        made, settings, code = BackTranslated(), self.settings, self.language.code
        known = {fold(pair.texts[code]) for pair in paired if code in pair.texts}
        found = list(self._sentences(documents, known, made.rejected))
        found.sort(key=lambda row: stable_fraction(str(seed), "back-translate", row.id))
        chosen = found[: settings.max_sentences]
        if not chosen:
            raise StageError(
                f"{HERE}: there is no authentic sentence to translate in '{settings.source}'; rejected: "
                f"{by_rule(made.rejected) or 'none'}. Look at source, norms, min_words and max_words."
            )
        into: dict[str, object] = {}
        for other in settings.into:
            with set_at(f"{HERE} into {other}"):
                into[other] = self._into(other, chosen, made)
        made.facts = {"source": settings.source, "sentences": len(chosen), "left_out": len(found) - len(chosen)}
        made.facts |= {"into": into, "pairs": len(made.pairs), "rejected": by_rule(made.rejected)}
        return made

    def _sentences(self, documents: Iterable[Document], known: set[str], rejected: list[Rejection]) -> Iterator[Pair]:
        """Authentic sentences as pairs of one side; what is rejected goes to `rejected`."""
        settings, code, seen = self.settings, self.language.code, set(known)
        for document in documents:
            if document.language != code or settings.source not in ("documents", document.source):
                continue
            if settings.norms and document.norm not in settings.norms:
                continue
            sentences = [part.text for part in segments(document.text, code) if part.translate]
            for number, sentence in enumerate(sentences):
                row = Pair(
                    id=f"{document.id}:{number}", source=document.source, license=document.license,
                    provenance=document.provenance, variety=document.variety, norm=document.norm,
                    origin=document.origin, engine=document.engine, texts={code: sentence}, document=document.id,
                    position=number,
                )  # fmt: skip
                length, folded, hit = len(words(sentence)), fold(sentence), self.index.hit(sentence)
                if document.origin != "human":
                    rejected.append(Rejection("not authentic", document.origin, row))
                elif length < settings.min_words:
                    rejected.append(Rejection("too short", f"{length} words, at least {settings.min_words}", row))
                elif length > settings.max_words:
                    rejected.append(Rejection("too long", f"{length} words, at most {settings.max_words}", row))
                elif hit is not None:
                    rejected.append(Rejection("contaminated target", str(hit), row))
                elif folded in seen:
                    rejected.append(Rejection("paired already" if folded in known else "duplicate", "", row))
                else:
                    seen.add(folded)
                    yield row

    def _into(self, code: str, rows: Sequence[Pair], made: BackTranslated) -> dict[str, object]:
        """One language: its pairs and rejections go to `made`, its counts are returned."""
        language, given = self.language, self.settings.engine_into(code)
        assert given is not None
        directed = given.model_copy(update={"source_language": language.code, "target_language": code})
        result = translate_rows(rows, directed, language, open_engine(directed, language, self.cpt), self.identify)
        rejected = [replace(row, detail=f"into {code}: {row.detail}") for row in result.rejected]
        kept = []
        for row in result.kept:
            assert isinstance(row, Pair)
            if (fault := self._fault(row, code)) is None:
                kept.append(row)
            else:
                rejected.append(Rejection(*fault, row))
        back = self.settings.way_back.get(code) or way_back(directed, language.code, code, language)
        trip: object = "no way back" if back is None else "not asked for (min_round_trip: 0)"
        if back is not None and self.settings.min_round_trip:
            kept, trip = self._round_trip(kept, code, back, rejected)
        made.rejected += rejected
        made.pairs += [_turned(row, code) for row in kept]
        counts = by_rule(rejected)
        logger.info("  back-translated into %s: %d of %d sentences kept, %s", code, len(kept), len(rows), counts)
        facts = result.facts | {"kept": len(kept), "rejected": counts, "round_trip": trip}
        return facts | {"language_checked": self.identify is not None}

    def _fault(self, row: Pair, code: str) -> tuple[str, str] | None:
        """The first rule that a translation fails, and how; None for a good one."""
        said, original = row.texts[code], row.texts[self.language.code]
        spoken = fold(said).split()  # commas do not end a loop
        if "\n" in said:
            return "several lines", said[:200]
        if len(spoken) >= LOOP_FROM and repeated_words(spoken) > LOOP_SHARE:
            return "loop", f"into {code}: {said[:200]}"
        if fold(said) == fold(original) or chrf(said, original) >= self.settings.max_copied:
            return "copy", f"into {code}: {said[:200]}"
        if (hit := self.index.hit(said)) is not None:
            return "contaminated source", f"into {code}: {hit}"
        return None

    def _round_trip(
        self, rows: Sequence[Pair], code: str, back: AnyTranslation, rejected: list[Rejection]
    ) -> tuple[list[Pair], dict[str, object]]:
        """Translate the machine's side back, and keep what comes near the authentic sentence."""
        engine: Engine = open_engine(back, self.language, self.cpt)
        with (
            closing(TranslationCache(cache_folder() / "translations", engine)) as cache,
            progress.bar(f"back from {code} by {engine.name}", len(rows), "sentences") as bar,
        ):
            home = cache.translate([row.texts[code] for row in rows], bar.advance)
        kept, scores, least = [], [], self.settings.min_round_trip
        for row in rows:
            said = home[row.texts[code]].text
            scores.append(chrf(said, row.texts[self.language.code]))
            if scores[-1] >= least:
                kept.append(row)
            else:
                rejected.append(Rejection("round trip", f"from {code}: chrF {scores[-1]:.1f}: {said[:200]}", row))
        mean = round(sum(scores) / len(scores), 2) if scores else None
        return kept, {"engine": engine.name, "mean_chrf": mean, "at_least": least, "sentences": len(rows)}


def chrf(text: str, reference: str) -> float:
    """sacrebleu's sentence chrF2, 0 to 100."""
    from sacrebleu.metrics import CHRF

    score: float = CHRF().sentence_score(text, [reference]).score
    return score


def _turned(row: Pair, code: str) -> Pair:
    """The pair as it is trained on: authentic but for one side, which says so and by what."""
    return replace(
        row, id=f"{row.id}:{code}", origin="human", engine="", back_translated=row.engine, origins={code: "mt"}
    )
