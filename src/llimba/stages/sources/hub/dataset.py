"""A data set's files at one commit: on the hub, in the hub's cache, or in a folder of this machine.

`datasets.load_dataset` isn't used: it stops at the first row that it cannot read, keeps a second copy of everything,
and doesn't say offline which commit it reads. Its rules for which files a subset and split consist of are (layout.py).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from llimba.errors import StageError, Unavailable
from llimba.files import read_json, write_json
from llimba.packages import cache_folder
from llimba.recipe import HubSource
from llimba.stages.sources.bounded import File
from llimba.stages.sources.hub.asking import Asked
from llimba.stages.sources.hub.remote import RemoteFile

CARD = "README.md"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Files by name, all of one commit."""

    name: str
    commit: str
    sizes: dict[str, int]  # file -> bytes, of every file
    ask: Asked
    folder: Path | None = None  # of a data set on this machine
    listed: bool = True  # `sizes` is the hub's own list; else what the cache holds, offline

    @property
    def label(self) -> str:
        """What provenance calls it."""
        return f"{self.name}@{self.commit}"

    def here(self, file: str) -> Path | None:
        """Where a file is on this machine; None where it isn't."""
        if self.folder is not None:
            return self.folder / file
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.name, file, revision=self.commit, repo_type="dataset")
        return Path(found) if isinstance(found, str) else None

    def fetched(self, file: str) -> Path:
        """The file, downloaded where it isn't here."""
        if (path := self.here(file)) is not None:
            return path
        from huggingface_hub import hf_hub_download

        download = partial(hf_hub_download, self.name, file, revision=self.commit, repo_type="dataset")
        return Path(self.ask(download))

    def streamed(self, file: str) -> File:
        """The file without downloading more of it than is read; raises `Unavailable` offline."""
        if (path := self.here(file)) is not None:
            return path
        from huggingface_hub.constants import is_offline_mode

        if is_offline_mode():
            raise Unavailable(
                f"{self.ask.key}: {file} of {self.name} is not in the hub's cache, and HF_HUB_OFFLINE=1 forbids "
                f"streaming it. Run once without it, or on a machine with a network: "
                f"hf download --repo-type dataset {self.name} {file}"
            )
        return RemoteFile(self.ask, self.commit, file, self.sizes.get(file, 0))


def find(source: HubSource, key: str) -> DataSet:
    """The data set at the commit that its revision means now, or meant when the cache was filled; `key` for errors."""
    ask = Asked(key, source.dataset, source.revision or "main")
    folder = Path(source.dataset).expanduser()
    if folder.is_dir():
        return DataSet(source.dataset, source.revision or "folder", _inside(folder), ask, folder)
    from huggingface_hub import HfApi
    from huggingface_hub.constants import is_offline_mode

    resolve = partial(HfApi().resolve_revision, source.dataset, repo_type="dataset", local_files_only=is_offline_mode())
    commit = str(ask(lambda: resolve(revision=source.revision)).resolved)
    kept = cache_folder() / "hub" / f"{source.dataset.replace('/', '--')}@{commit}.json"
    snapshot = _snapshot(source.dataset, commit)
    if not kept.exists() and is_offline_mode() and snapshot.is_dir():
        found = DataSet(source.dataset, commit, _inside(snapshot), ask, listed=False)
    else:
        found = DataSet(source.dataset, commit, _list(source.dataset, commit, ask, kept), ask)
    if CARD in found.sizes:
        found.fetched(CARD)  # a gated set is refused here
    return found


def _inside(folder: Path) -> dict[str, int]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _snapshot(dataset: str, commit: str) -> Path:
    """Where the hub's cache has the files of a commit."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    return Path(str(HF_HUB_CACHE), str(repo_folder_name(repo_id=dataset, repo_type="dataset")), "snapshots", commit)


def _list(dataset: str, commit: str, ask: Asked, kept: Path) -> dict[str, int]:
    """Every file of a commit and its bytes; kept in a file, as a commit's list never changes."""
    if kept.exists():
        return {str(name): int(size) for name, size in read_json(kept).items()}
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    def listed() -> dict[str, int]:
        tree = HfApi().list_repo_tree(dataset, recursive=True, revision=commit, repo_type="dataset")
        return {file.path: int(file.size) for file in tree if isinstance(file, RepoFile)}

    sizes = ask(listed)
    if outside := next((name for name in sizes if ".." in name.split("/") or name.startswith("/")), None):
        raise StageError(f"{ask.key}: {dataset} lists a file outside of itself ('{outside[:80]}'): it isn't read.")
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, sizes)
    return sizes
