"""What `evaluate` measured, as types: `scores.json` is one `Scores`, written by the stage and read by every report.

Systems, languages and directions are keys, since recipes name them; everything else is a field.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from llimba.manifest import Json
from llimba.recipe import Decoding
from llimba.recipe.published_scores.table import Metric, Published
from llimba.recipe.resolved import Resolved

METRICS: dict[Metric, str] = {"bleu": "BLEU", "chrf": "chrF", "chrfpp": "chrF++"}
Fault = Literal["wrong_language", "other_script", "copy", "loop", "empty", "no_end"]
FAULTS: dict[Fault, str] = {
    "wrong_language": "answers in another language",
    "other_script": "answers in another script",
    "copy": "answers that copy the source",
    "loop": "answers that run in a loop",
    "empty": "empty answers",
    "no_end": "answers that do not stop",
}


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Share(_Measured):
    """A share of answers, 0 to 1, with its 95 % Wilson interval, and of how many."""

    share: float
    low: float
    high: float
    answers: int


class BitsPerByte(_Measured):
    """Negative log-likelihood of texts over their UTF-8 bytes, in bits: comparable across tokenizers."""

    value: float
    perplexity: float  # a token's, so of models of one tokenizer only
    documents: int
    bytes: int
    tokens: int
    by: dict[str, dict[str, "BitsPerByte"]] = {}  # source, variety or norm -> its name -> the texts of that name


class Score(_Measured):
    """A corpus score, 0 to 100."""

    value: float
    margin: float | None = None  # half the width of its 95 % bootstrap interval; what others published has none


class Translation(_Measured):
    """The answers of one direction against the references; what others published may lack a metric."""

    sentences: int
    bleu: Score | None = None
    chrf: Score | None = None
    chrfpp: Score | None = None

    def score(self, metric: Metric) -> Score | None:
        """The score by a metric's name."""
        return {"bleu": self.bleu, "chrf": self.chrf, "chrfpp": self.chrfpp}[metric]


class Behaviour(_Measured):
    """Shares of answers with a fault, over all directions and in each; `wrong_language` needs an identifier."""

    all: dict[Fault, Share]
    by_direction: dict[str, dict[Fault, Share]]


class LanguageShares(_Measured):
    """The languages of sampled answers; the shares add up to 1."""

    target: Share  # wholly in the language to be learned
    neighbours: dict[str, Share]  # wholly in another language, by code
    mixed: Share
    unknown: Share  # no paragraph surely in a known language


class Instructions(_Measured):
    """Shares of instructions that were followed."""

    all: Share
    by_kind: dict[str, Share]
    by_prompt_language: dict[str, Share]


class Knowledge(_Measured):
    """Answers to questions with choices."""

    accuracy: Share
    confident_wrong: Share
    chance: float  # accuracy of guessing


class Facts(_Measured):
    """Knowledge over all questions and by their language."""

    all: Knowledge
    by_language: dict[str, Knowledge]


class SystemScores(_Measured):
    """One column: what was measured of one system. A probe that the recipe does not ask for is empty."""

    translation: dict[str, Translation] = {}  # by direction
    bits_per_byte: dict[str, BitsPerByte] = {}  # of held-out text, by language
    translation_bits_per_byte: dict[str, BitsPerByte] = {}  # of the reference given its source, by direction
    behaviour: Behaviour | None = None
    mode_switch: dict[float, LanguageShares] = {}  # by sampling temperature
    instructions: Instructions | None = None
    facts: Facts | None = None
    decoding: Decoding | None = None  # where it is not greedy
    published: bool = False  # by others
    batch_size: Resolved[int] | None = None  # answers generated at once
    seconds: float | None = None


class ScoredSet(_Measured):
    """What one source of the recipe gave to score on."""

    dataset: str = ""  # its hub id; empty where the text is no data set of the hub
    subset: str | None = None
    split: str = ""
    revision: str | None = None  # as the recipe pins it
    held_out: bool = False  # a part of what is trained on; else it is for scoring alone
    partly: bool = False  # the recipe asks for less than the whole set
    sentences: dict[str, int] = {}  # by direction
    documents: dict[str, int] = {}  # by language


class Conditions(_Measured):
    """How everything was measured, the same for every system of ours."""

    signatures: dict[Metric, str]  # sacrebleu's own
    prompt: str
    prompt_form: str  # chat | completion
    num_fewshot: int
    precision: str
    max_new_tokens: int
    window: int  # tokens of context for bits per byte
    answer: str  # what counts as the answer
    harness: str
    confidence_percent: int  # of every interval
    confident: float  # the probability from which a choice counts as sure


class Scores(_Measured):
    """Everything that `evaluate` measured."""

    systems: dict[str, SystemScores]  # in the order of the columns
    conditions: Conditions
    published: list[Published] = []
    sets: dict[str, ScoredSet] = {}  # by the name of the source

    def to_json(self) -> Json:
        """Without what was not measured."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def fewest_sentences(self) -> int:
        """Sentences of the direction with the fewest; 0 where nothing was translated."""
        ours = (system for system in self.systems.values() if not system.published)
        return min((entry.sentences for system in ours for entry in system.translation.values()), default=0)
