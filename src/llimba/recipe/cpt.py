"""What continued pretraining reads, and in which order: token shares, phases, aligned pairs as documents."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from llimba.data_files.faults import Fault, shortened
from llimba.recipe.section import Section, Whole, unknown, unnamed
from llimba.recipe.training import TrainingSection

PAIRS = "pairs"  # what a mixture calls the documents made of aligned pairs
CHAT = "chat"  # and the conversations
ORIGINS = ("human", "mt", "generated")  # of a record


class PairDocuments(Section):
    """Aligned pairs written out as documents to pretrain on, each direction for itself."""

    directions: list[str] = Field(min_length=1)  # each that is named is written; a model learns no other
    rows_per_document: int = Field(default=3, gt=0)  # consecutive pairs of one source
    sources: list[str] = []  # whose pairs; empty: every source's

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Its directions have names, and its sources are there."""
        yield from unnamed(self.directions, whole)
        yield from unknown("sources", self.sources, whole.sources, "source")


class ChatDocuments(Section):
    """Conversations in the base model's own chat template, read so that it keeps answering; answers count alone."""

    sources: list[str] = []  # whose conversations; empty: every source's
    own_answers: bool = True  # the base model answers the first request of each itself; false: as they stand
    max_conversations: int | None = Field(default=None, gt=0)  # answered at most; the share takes what it needs
    max_new_tokens: int = Field(default=256, gt=0)  # of an own answer; one that has no end by then is left out
    temperature: float = Field(default=0.7, ge=0)  # of own answers; 0 is greedy

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Its sources are there."""
        yield from unknown("sources", self.sources, whole.sources, "source")


class NormTags(Section):
    """The profile's `tags` before documents and pair lines whose variety, norm or origin is known."""

    dropout: float = Field(default=0.3, ge=0, le=1)  # share of the documents that go without

    def check(self, whole: Whole) -> Iterator[Fault]:
        """The profile has tags."""
        if not whole.profile.tags:
            yield Fault((), f"the profile of {whole.profile.iso639_3} has no tags; write them there")


class Phase(Section):
    """A part of the run with a mixture of its own."""

    share: float | None = Field(default=None, gt=0, le=1)  # of the epoch's tokens
    max_tokens: int | None = Field(default=None, gt=0)  # or so many, exactly
    mixture: dict[str, float] = {}


class CptSection(TrainingSection):
    """Continued pretraining on documents.

    A key of a mixture is a language, or `pairs`, or `chat`, or one of them with the name of a source or an origin after
    a slash (`sc/mt`, `pairs/handbook`): such documents then count under that key and no longer under the plain one.
    """

    mixture: dict[str, float] = {}  # token share per key; empty: everything as it is
    max_tokens: int | None = Field(default=None, gt=0)  # of one epoch, mixture included
    phases: list[Phase] = []  # one after another under one schedule, each shuffled within itself
    repeat: bool = False  # begin a key's text again where it runs out; else that is an error
    pairs: PairDocuments | None = None
    chat: ChatDocuments | None = None
    norm_tags: NormTags | None = None

    @property
    def all_phases(self) -> list[Phase]:
        """The phases; a recipe without any has one, which is the whole epoch."""
        return self.phases or [Phase(share=1.0, mixture=self.mixture)]

    @property
    def epoch_tokens(self) -> int | None:
        """The most tokens that an epoch may have, where the recipe says so."""
        if self.phases and self.phases[0].max_tokens is not None:
            return sum(phase.max_tokens or 0 for phase in self.phases)
        return self.max_tokens

    def mixture_keys(self) -> Iterator[str]:
        """Every key of every mixture."""
        for phase in self.all_phases:
            yield from phase.mixture

    @model_validator(mode="after")
    def _shares(self) -> Self:
        places = [("mixture", self.mixture), *((f"phases.{i}.mixture", p.mixture) for i, p in enumerate(self.phases))]
        for place, mixture in places:
            if mixture and abs(sum(mixture.values()) - 1) > 1e-6:
                raise ValueError(f"the shares of {place} must add up to 1 (now {sum(mixture.values()):g})")
        for name, section in ((PAIRS, self.pairs), (CHAT, self.chat)):
            if section is None and any(key.split("/")[0] == name for key in self.mixture_keys()):
                raise ValueError(
                    f"a mixture gives a share to `{name}`, and the section cpt.{name} does not say which: add it"
                )
        if self.repeat and self.epoch_tokens is None:
            raise ValueError("repeat needs max_tokens: text that begins again has no end of its own")
        return self

    @model_validator(mode="after")
    def _phases_whole(self) -> Self:
        if not self.phases:
            return self
        if self.mixture:
            raise ValueError("phases have mixtures of their own: leave cpt.mixture out")
        if not all(phase.mixture for phase in self.phases):
            raise ValueError("every one of several phases needs a mixture")
        by_share = [phase.share is not None and phase.max_tokens is None for phase in self.phases]
        by_tokens = [phase.max_tokens is not None and phase.share is None for phase in self.phases]
        if not (all(by_share) or all(by_tokens)):
            raise ValueError("phases have either a share each or max_tokens each")
        if all(by_share) and abs(sum(phase.share or 0 for phase in self.phases) - 1) > 1e-6:
            raise ValueError(f"the shares of phases must add up to 1 (now {sum(p.share or 0 for p in self.phases):g})")
        if all(by_tokens) and self.max_tokens is not None:
            raise ValueError("phases say their max_tokens themselves: leave cpt.max_tokens out, or give them shares")
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Every key of a mixture names what may be there, the language to be learned among them."""
        yield from super().check(whole)
        if isinstance(self.interpolate, list) and not self.choosing_bytes:
            yield Fault(("interpolate",), "to choose among weights needs text: leave out choose_max_bytes: 0")
        code, keys = whole.profile.code, list(self.mixture_keys())
        place = "phases" if self.phases else "mixture"
        if keys and not {key.split("/")[0] for key in keys} & {code, PAIRS}:
            yield Fault((place,), f"gives no share to '{code}', the language to be learned")
        for key in keys:
            _, slash, part = key.partition("/")
            if slash and part not in whole.sources and part not in ORIGINS:
                yield Fault(
                    (place,),
                    f"key '{shortened(key)}': '{shortened(part)}' is neither a source nor {', '.join(ORIGINS)}",
                )
