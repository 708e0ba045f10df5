"""Before any model is written between two folders: what is wrong with them, and whether the disk has room."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from llimba.errors import LlimbaError
from llimba.pipeline.interpolation import interpolate_folders
from tests.fakes import recipe, save_tiny_model, write_text


def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path)
    start, trained = save_tiny_model(tmp_path / "start", 1), save_tiny_model(tmp_path / "trained", 2)
    size = sum(path.stat().st_size for path in trained.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * size - 1))
    with pytest.raises(LlimbaError, match="2 models need .* GiB free. Give fewer weights"):
        interpolate_folders(recipe(tmp_path), start, trained, [0.3, 0.6], 0.03, tmp_path / "runs", None)
    (place,) = (tmp_path / "runs" / "interpolations").iterdir()
    assert not list(place.iterdir())


def test_a_folder_without_a_model_is_refused_before_the_corpus_is_run(tmp_path: Path) -> None:
    with pytest.raises(LlimbaError, match="is no model folder"):
        interpolate_folders(recipe(tmp_path), tmp_path, tmp_path, [0.5], 0.03, tmp_path / "runs", None)
    assert not (tmp_path / "runs").exists()
