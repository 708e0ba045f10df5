"""The proof that a stage finished: `manifest.json`, written last into its folder.

Stages, tables and the model card learn what an earlier stage did from here and from the files next to it, never from
prose or from memory.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from llimba import __version__
from llimba.errors import StageError
from llimba.files import read_json, write_json

MANIFEST = "manifest.json"
RECORDED_PACKAGES = ("torch", "transformers", "accelerate", "peft", "lm_eval", "sacrebleu", "datasets", "tokenizers")
Json = dict[str, Any]  # a JSON object
Facts = TypeVar("Facts")


class Ingredients(BaseModel, frozen=True, extra="forbid"):
    """Everything that makes a stage's output what it is; what a stage does not use is not set."""

    section: Json  # the stage's own section of the recipe
    needs: dict[str, str]  # stage -> fingerprint
    version: int
    files: dict[str, str]  # local file -> SHA-256
    language: Json = {}
    base_model: Json = {}
    seed: int = 0

    def to_json(self) -> Json:
        """Only what was set, so that the fingerprint covers what the stage uses and nothing else."""
        return self.model_dump(exclude_unset=True)


class ListedFile(BaseModel, frozen=True):
    """A file of a finished stage."""

    name: str  # relative to the stage's folder, with slashes
    bytes: int
    sha256: str


class Manifest(BaseModel, frozen=True):
    """What a finished stage was made from, on which machine, and what it found out."""

    stage: str
    fingerprint: str
    recipe: str  # its name
    ingredients: Ingredients
    started: str  # ISO 8601, UTC
    finished: str
    seconds: float
    peak_memory_bytes: int
    machine: str
    versions: dict[str, str]  # package -> version
    facts: Json  # what the stage returned; each stage has its own
    files: list[ListedFile]
    resolved: Json = {}  # the whole recipe as it was run, --set included, for who names the folder alone

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by name."""
        return {file.name: file.sha256 for file in self.files}

    def facts_as(self, kind: type[Facts]) -> Facts:
        """The facts as a dataclass or model of `kind`; raises `StageError` where another version wrote them."""
        try:
            return TypeAdapter(kind).validate_python(self.facts)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise StageError(
                f"{self.stage} ({self.fingerprint}) was finished by another version of llimba ({where}). Delete its "
                "folder and run the recipe again."
            ) from error


def versions() -> dict[str, str]:
    """llimba's version, and those of the packages that decide what it computes."""
    found = {"llimba": __version__}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a finished stage folder, or None where it is absent, broken or names files that are not there."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = Manifest.model_validate(read_json(path))
        whole = all((folder / file.name).stat().st_size == file.bytes for file in manifest.files)
    except (StageError, ValidationError, FileNotFoundError):
        return None
    return manifest if whole else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a stage's folder, atomically; unset ingredients are left out."""
    write_json(folder / MANIFEST, {**manifest.model_dump(), "ingredients": manifest.ingredients.to_json()})
