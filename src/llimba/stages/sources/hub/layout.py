"""Which files a subset's split consists of, and how they are written: the card's `configs`, else the usual file names.

The `datasets` library knows these rules. It is given a folder of empty files with the data set's names, so that it
answers from the list of files alone: offline as well, and without opening any of them.
"""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llimba.errors import StageError, Unavailable
from llimba.stages.sources.bounded import COMPRESSED
from llimba.stages.sources.hub.dataset import CARD, DataSet
from llimba.stages.sources.tables import USUAL, Dialect

KINDS = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
EXPORT = "refs/convert/parquet"  # where the hub keeps Parquet files of every set that it can read


@dataclass(frozen=True, slots=True)
class Layout:
    """One subset's split."""

    files: list[str]  # in the data set's order
    dialect: Dialect = USUAL
    labels: dict[str, list[str]] = field(default_factory=dict)  # columns of numbers that stand for these words


def find_layout(data: DataSet, subset: str | None, split: str, key: str, names: list[str]) -> Layout:
    """The files of a subset (None: the default one); raises `StageError` that says which there are. `key`: for errors.

    `names`: the columns of tables without a header line.
    """
    if exported := _exported(data, subset, split):
        return Layout(exported)
    if data.folder is not None:
        return _asked(data, data.folder, subset, split, key, names)
    with tempfile.TemporaryDirectory(prefix="llimba-") as made:
        folder = Path(made).resolve() / data.name.rpartition("/")[2]
        for name in data.sizes:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if name not in (CARD, "dataset_infos.json", ".huggingface.yaml") and not name.endswith(".py"):
                (folder / name).touch()
        if CARD in data.sizes:
            (folder / CARD).write_bytes(data.fetched(CARD).read_bytes())
        return _asked(data, folder, subset, split, key, names)


def _exported(data: DataSet, subset: str | None, split: str) -> list[str]:
    """The files of the hub's own Parquet export, which lie in SUBSET/SPLIT/."""
    if data.ask.revision != EXPORT:
        return []
    return [name for name in sorted(data.sizes) if name.startswith(f"{subset or 'default'}/{split}/")]


def _asked(data: DataSet, folder: Path, subset: str | None, split: str, key: str, names: list[str]) -> Layout:
    import datasets

    start = f"{key}: {data.name}"
    _check_card(folder, start)
    try:
        builder = datasets.load_dataset_builder(str(folder), subset)
    except Exception as error:  # whatever a strange card or a strange set of files leads the library to
        scripts = [name for name in data.sizes if name.endswith(".py") and "/" not in name]
        if scripts:
            raise StageError(
                f"{start} is made by a program ({scripts[0]}), and llimba runs nobody's program. Try the hub's own "
                f"copy of its rows: revision: {EXPORT}"
            ) from error
        reason = " ".join(str(error).replace(str(folder), data.name).split())[:400]
        raise StageError(f"{start} has no such subset, or no files that are known ({reason}).") from error
    held: dict[str, Any] = {str(name): files for name, files in (builder.config.data_files or {}).items()}
    if split not in held:
        there = ", ".join(held) or "none"
        raise StageError(f"{start} has no split '{split}' (there are: {there}). Correct split.")
    files = [str(Path(file).relative_to(folder.resolve()).as_posix()) for file in held[split]]
    for file in files:
        _check_kind(file, start)
    if not data.listed:
        _check_whole(data, files, start)
    features = builder.info.features or {}
    labels = {column: list(held.names) for column, held in features.items() if type(held).__name__ == "ClassLabel"}
    return Layout(files, _dialect(builder.config, names, start), labels)


def _check_card(folder: Path, start: str) -> None:
    """A card may name files; none outside of its data set."""
    from huggingface_hub.repocard import metadata_load

    card = folder / CARD
    try:
        header = (metadata_load(card) or {}) if card.is_file() else {}
    except Exception as error:
        raise StageError(f"{start}: the head of its {CARD} cannot be read ({type(error).__name__}).") from error
    for named in _strings(header.get("configs")):
        if named.startswith(("/", "~")) or ".." in named.split("/") or "://" in named:
            raise StageError(f"{start}: its {CARD} names files outside of it ('{named[:80]}'): it isn't read.")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _check_kind(file: str, start: str) -> None:
    suffixes = [suffix.lower() for suffix in Path(file).suffixes]
    while suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in KINDS:
        raise StageError(
            f"{start} holds {file}, and llimba reads {', '.join(KINDS)} (also {', '.join(COMPRESSED)}). Try the hub's "
            f"own copy of its rows: revision: {EXPORT}"
        )


def _check_whole(data: DataSet, files: list[str], start: str) -> None:
    """A cache that somebody else filled may lack some of several files: `train-00000-of-00004.parquet`."""
    for file in files:
        stem, _, rest = Path(file).name.partition("-of-")
        total = rest.partition(".")[0].partition("-")[0]
        family = stem.rpartition("-")[0]
        found = sum(Path(other).name.startswith(f"{family}-") and f"-of-{total}" in other for other in files)
        if total.isdecimal() and found < int(total):
            raise Unavailable(
                f"{start}: the hub's cache holds {found} of the {int(total)} files like {file}. Download it whole, "
                f"with a network: hf download --repo-type dataset {data.name}"
            )


def _dialect(config: Any, names: list[str], start: str) -> Dialect:
    """As the card says, in the words of pandas and of the `json` reader."""
    if hasattr(config, "sep"):
        unquoted = config.quoting == csv.QUOTE_NONE or (config.sep == "\t" and config.quotechar == '"')
        stated = config.names or []
        if config.header is None and not stated and not names:
            raise StageError(f"{start} has no header line. Name its columns: names: [id, ...].")
        skipped = config.skiprows if isinstance(config.skiprows, int) else 0
        header = config.header if isinstance(config.header, int) and not stated else 0
        return Dialect(
            tuple(names or map(str, stated)), config.sep, "" if unquoted else config.quotechar, skipped + header
        )
    return Dialect(tuple(names), field=getattr(config, "field", None) or "")
