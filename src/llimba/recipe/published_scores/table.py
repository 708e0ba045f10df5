"""A table of scores that others published, as a YAML file: from where, on which sentences, under which conditions.

The reader refuses a table with file, line and key before any work is done. A table that names its sentences as a data
set of the hub comes by itself where a recipe scores them: `tables_of`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from llimba.data_files.checking import faults, sentences
from llimba.data_files.reading import Unreadable, read_yaml
from llimba.errors import RecipeError
from llimba.recipe.citation import Paper
from llimba.recipe.sources import AnySource, HubSource

Metric = Literal["bleu", "chrf", "chrfpp"]
SHIPPED = Path(__file__).parent


class Sentences(BaseModel, frozen=True, extra="forbid"):
    """The sentences of a table as a data set of the hub."""

    dataset: str  # its hub id
    split: str
    name: str  # what people call them: FLORES-200 dev

    def holds(self, dataset: str, split: str) -> bool:
        """Whether a split of a data set, or a slice of it (`test[:100]`), is of these sentences."""
        return (dataset, split.partition("[")[0]) == (self.dataset, self.split)


class Published(BaseModel, frozen=True, extra="forbid"):
    """A table of scores that others published; `llimba-3b.yaml` explains the fields."""

    title: str
    source: str
    conditions: str
    sentences: int = Field(gt=0)
    evaluated_on: Sentences | None = None
    base_models: list[str] = []  # hub ids that the published recipe started from or left
    paper: Paper | None = None
    systems: dict[str, dict[str, dict[Metric, float]]]  # heading -> direction -> metric


def read_published(name: str) -> Published:
    """A shipped table by its name, or another by the path of a YAML file; raises `RecipeError` with file, line, key."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else SHIPPED / f"{name}.yaml"
    try:
        file = read_yaml(path, "table of published scores", "title, source, conditions, sentences, systems")
        return Published.model_validate(file.values)
    except FileNotFoundError:
        raise RecipeError(
            f"there is no table '{name}'. Shipped: {', '.join(shipped())}; or give the path of a YAML file"
        ) from None
    except Unreadable as error:
        raise RecipeError(str(error)) from error
    except ValidationError as error:
        raise RecipeError(sentences(faults(error, Published), [file])) from error


def shipped() -> list[str]:
    """The names of the shipped tables."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def tables_of(
    named: Iterable[str], sources: Mapping[str, AnySource], base_models: Iterable[str], *, all_scored: bool
) -> Iterator[Published]:
    """The tables that a recipe names, then the shipped ones that come by themselves.

    That is where the recipe's only sentences to score on are the table's data set, and either all of them are scored
    or the recipe starts from one of the published recipe's models.
    """
    names = list(named)
    yield from map(read_published, names)
    scored, start = [source for source in sources.values() if source.role == "evaluate"], set(base_models)
    for name in shipped():
        table = read_published(name)
        on = table.evaluated_on
        if name in names or on is None or not scored:
            continue
        same = all(isinstance(source, HubSource) and on.holds(source.dataset, source.split) for source in scored)
        whole = all_scored and all(source.max_documents is None for source in scored)
        if same and (whole or start & set(table.base_models)):
            yield table
