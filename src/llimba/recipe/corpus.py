"""What the corpus stage may do to the text."""

from pydantic import Field

from llimba.recipe.section import Section


class CorpusSection(Section):
    """Cleaning, held-out split, decontamination."""

    # sources known to be in the languages that they declare: a close-language identifier learns from them, and takes
    # foreign lines out of every other document in the language to be learned
    identify: list[str] = []
    min_words: int = Field(default=3, ge=1)  # a document shorter than this is rejected
    held_out_pairs: float = Field(
        default=0.0, ge=0, lt=1
    )  # share of each training source's pairs set aside to score on
    held_out_documents: float = Field(default=0.0, ge=0, lt=1)  # share of target-language documents set aside
    min_held_out_words: int = Field(default=5, ge=1)  # a set-aside pair has at least this many words on each side
    max_rejected: float = Field(default=0.5, gt=0, le=1)  # the stage fails if a larger share of documents is lost
