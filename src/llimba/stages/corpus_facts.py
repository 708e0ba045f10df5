"""What the corpus stage found out: the facts of its manifest as types, which reports and the model card read."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Balance:
    """The records of one type: `read` is the sum of the other three."""

    read: int
    kept: int  # to train on
    evaluation: int  # to score on
    rejected: dict[str, int]  # by rule


@dataclass(frozen=True, slots=True)
class Counts:
    """Records of every type, and single lines that were removed from documents that stay."""

    documents: Balance
    pairs: Balance
    conversations: Balance
    lines_removed: dict[str, int]  # by rule


@dataclass(frozen=True, slots=True)
class SourceShare:
    """What one source gave to train on."""

    license: str
    role: str
    documents: int
    pairs: int
    conversations: int
    words: dict[str, int]  # of its documents, by language


@dataclass(frozen=True, slots=True)
class LabelledDocuments:
    """The documents to train on that share all labels."""

    source: str
    license: str
    language: str
    variety: str
    norm: str
    origin: str
    documents: int
    words: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Contamination:
    """The search for evaluation sentences in the training text."""

    evaluation_sentences: int
    hits_removed: int
    surviving: int  # 0, or the stage fails


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold of quality that trusted texts have loosened."""

    language: str
    rule: str
    field: str  # its name in the profile's `quality`
    default: float
    learned: float
    pages: int  # that it was learned from


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the documents by language, as `languages/text.py` counts them."""

    train: dict[str, int]
    held_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """Everything that the stage counted."""

    counts: Counts
    words: Words
    sources: dict[str, SourceShare]  # by the source's name in the recipe
    documents: list[LabelledDocuments]
    lengths: dict[str, dict[str, int]]  # by language: number of documents by the power of two at or below their words
    contamination: Contamination
    thresholds: list[Threshold] = field(default_factory=list)  # those learned from trusted texts
