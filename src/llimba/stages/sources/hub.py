"""The `hub` source: any dataset of the Hugging Face hub, its columns mapped to ours, its revision pinned."""

from collections.abc import Iterator
from typing import Any

from llimba.errors import StageError
from llimba.manifest import Json
from llimba.recipe import HubSource
from llimba.records import Record
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.unsafe import Unsafe


def load(source: HubSource, intake: Intake) -> Iterator[Record]:
    """Documents, pairs or conversations of a dataset; never runs a dataset's own code."""
    intake.revision = _revision(source)
    for number, row in enumerate(_rows(source, intake)):
        identifier = _column(source, intake, row, "id", number)
        provenance = f"{source.dataset}@{source.revision or 'main'}:{number}"
        if source.yields == "documents":
            text = str(_column(source, intake, row, "text"))
            language = source.language or str(_column(source, intake, row, "language"))
            if not text.strip():
                intake.skip("empty")
                continue
            yield intake.document(identifier, text, language, provenance)
        elif source.yields == "conversations":
            mapped = row | {field: row[column] for field, column in source.columns.items() if column in row}
            try:
                turns = messages_of(mapped, f"{intake.key('columns')}: {source.dataset}, row {number}")
            except Unsafe as error:
                intake.quarantine(source.dataset, f"row {number}", str(error), str(row))
                continue
            yield intake.conversation(identifier, turns, provenance)
        else:
            codes = [code for code in intake.profile.names if source.columns.get(code, code) in row]
            texts = {code: str(row[source.columns.get(code, code)]) for code in codes}
            if len(texts) < 2:
                raise StageError(
                    f"{intake.key('columns')}: {source.dataset} has fewer than two language columns (columns: "
                    f"{', '.join(row)}). Map them, e.g. columns: "
                    f"{{{intake.profile.code}: sentence_{intake.profile.flores}}}."
                )
            yield intake.pair(identifier, texts, str(number), provenance)


def _revision(source: HubSource) -> str:
    """The commit that is read, where the hub says it; else what the recipe pins."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return HfApi().dataset_info(source.dataset, revision=source.revision, timeout=10).sha or "not told"
    except (*HfHubHTTPError.__bases__, OSError, ValueError):  # the client's errors; the data may be in the cache
        return source.revision or "not told"


def _rows(source: HubSource, intake: Intake) -> Iterator[Json]:
    from datasets import load_dataset

    few = source.max_documents is not None  # then nothing but the rows that are asked for is downloaded
    try:
        yield from load_dataset(
            source.dataset, source.subset, split=source.split, revision=source.revision, streaming=few
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise StageError(
            f"{intake.key('dataset')}: {source.dataset} cannot be read from the hub ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}). Check id, subset and split, and the "
            "network; for a gated dataset accept its terms and log in with `hf auth login`; or use a local file "
            "instead."
        ) from error


def _column(source: HubSource, intake: Intake, row: Json, field: str, default: Any = None) -> Any:
    column = source.columns.get(field, field)
    if column not in row and default is None:
        raise StageError(
            f"{intake.key('columns')}: {source.dataset} has no column '{column}' (columns: {', '.join(row)}). Map it, "
            f"e.g. columns: {{{field}: NAME}}."
        )
    return row.get(column, default)
