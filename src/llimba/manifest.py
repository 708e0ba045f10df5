"""The proof that a stage finished: `manifest.json`, written last into its folder.

Stages, tables and the model card learn what an earlier stage did from here and from the files beside it, never from
prose or from memory.
"""

from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import read_json

MANIFEST = "manifest.json"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished stage folder, or None where it is absent, broken or names files that are not there."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest: dict[str, Any] = read_json(path)
        whole = all((folder / f["name"]).stat().st_size == f["bytes"] for f in manifest["files"])
    except (StageError, KeyError, TypeError, FileNotFoundError):
        return None
    return manifest if whole else None
