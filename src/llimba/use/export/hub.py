"""A model folder to the Hugging Face hub: what would go, whether its card is fit to be seen, and the upload itself.

The token comes from the environment or the hub's own login (`hf auth login`), is read by the hub's library and by
nobody else, and is written nowhere.
"""

import re
from pathlib import Path
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.models.loading import check_folder

SHOWN_ON_PAGES = re.compile(
    r"\.eval_results/[^./][^/]*\.yaml"
)  # the one folder with a dot that is sent: the hub reads scores from it
NAMED = re.compile(r'pipeline\("text-generation", model="([^"]+/[^"]+)"')  # in the card's quick start


class Listed(NamedTuple):
    """A file that would be uploaded."""

    name: str
    bytes: int


def listing(folder: Path) -> list[Listed]:
    """Every file of the folder, by name; raises `LlimbaError` for a link, which would upload a file from elsewhere."""
    if not (folder / "adapter_config.json").exists():  # peft's folders hold no config.json
        check_folder(folder)
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise LlimbaError(f"push: {path} is a link. Put the file itself there, or take it out.")
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/")) and not SHOWN_ON_PAGES.fullmatch(name)
        if path.is_file() and not hidden:
            files.append(Listed(name, path.stat().st_size))
    return files


def check_card(folder: Path) -> str:
    """The card's header; raises `LlimbaError` where the hub would refuse it or it names no licence."""
    from huggingface_hub import ModelCard
    from huggingface_hub.errors import HfHubHTTPError

    path = folder / "README.md"
    if not path.exists():
        raise LlimbaError(f"push: {folder} has no README.md. Publish it with a recipe (llimba run), which writes one.")
    try:
        data = ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=False).data
    except (ValueError, KeyError, TypeError, HfHubHTTPError) as error:
        raise LlimbaError(f"push: the header of {path} is not what the hub takes ({error}).") from error
    if not data.license or getattr(data, "license_name", None) in ("unknown", "other"):
        raise LlimbaError(
            f"push: {path} says no licence, or that it is unknown. Nobody could use the model: write the licences of "
            "your text into the recipe and publish it again."
        )
    header: str = data.to_yaml()
    return header.strip()


def named_repository(folder: Path) -> str | None:
    """The repository that the card's quick start loads from; None where it names none."""
    found = NAMED.search((folder / "README.md").read_text(encoding="utf-8"))
    return found[1] if found else None


def destination(folder: Path, asked: str | None) -> str:
    """Where a folder goes: `asked`, else what its card names; raises `LlimbaError` for none and for two that differ."""
    named = named_repository(folder)
    if asked is None and named is None:
        raise LlimbaError(
            "push: its card names no repository. Say where it goes (llimba push MODEL YOU/NAME), or set "
            "publish.repository in the recipe (publish.cpt_repository for the CPT checkpoint) and run it again."
        )
    if asked is not None and named is not None and asked != named:
        raise LlimbaError(
            f"push: the card of {folder} names {named}: whoever reads it at {asked} would load another model. Set "
            f"publish.repository (for the CPT checkpoint publish.cpt_repository) to {asked} and run the recipe again, "
            "which takes seconds."
        )
    chosen = asked or named
    assert chosen is not None
    return chosen


def upload(folder: Path, repository: str, files: list[Listed], *, private: bool) -> str:
    """Create the repository where it is missing, upload the listed files in one commit; returns its address."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if get_token() is None:
        raise LlimbaError("push: there is no token. Log in with `hf auth login`, or set HF_TOKEN in the environment.")
    api = HfApi()
    try:
        address = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=[file.name for file in files],
            commit_message="Model and card by llimba",
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise LlimbaError(f"push: the hub refused ({type(error).__name__}: {str(error).splitlines()[0]}).") from error
    return str(address)
