"""The loss curve is drawn, and smoothing follows the values."""

from pathlib import Path

import pytest

from llimba.reports.plots import base_models, forgetting, loss_curve, mode_switch, smoothed
from llimba.reports.scores import LanguageShares
from tests.reports.candidates import candidate
from tests.reports.scores import share


def test_a_png_is_written(tmp_path: Path) -> None:
    metrics = [{"tokens": 100 * i, "loss": 4 - 0.1 * i} for i in range(1, 20)]
    loss_curve({"cpt": metrics, "sft": metrics[:1]}, tmp_path / "loss.png", "title")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_smoothing_is_unbiased_at_the_start() -> None:
    assert smoothed([5.0, 5.0, 5.0]) == pytest.approx([5, 5, 5])
    assert smoothed([4.0, 2.0])[1] == pytest.approx((0.9 * 0.1 * 4 + 0.1 * 2) / (1 - 0.81))


def test_forgetting_is_drawn_against_the_base_model(tmp_path: Path) -> None:
    looks = [{"step": i, "sc": 3.0 - i / 4, "it": 1.5 + i / 50} for i in range(6)]
    names = {"sc": "Sardinian", "it": "Italian"}
    forgetting({"cpt": looks, "sft": looks[3:]}, names, tmp_path / "forgetting.png", "title")
    assert (tmp_path / "forgetting.png").read_bytes().startswith(b"\x89PNG")


def test_the_mode_switch_is_drawn(tmp_path: Path) -> None:
    table = {
        heat: LanguageShares(target=share(s, s - 0.1, s + 0.1), neighbours={}, mixed=share(0), unknown=share(0))
        for heat, s in ((0.0, 0.8), (0.6, 0.5))
    }
    mode_switch({"base": table, "sft": table}, tmp_path / "m.png", "t", "Sardinian")
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"


def test_base_models_are_drawn_side_by_side(tmp_path: Path) -> None:
    names = {"sc": "Sardinian", "it": "Italian"}
    for count in (1, 6):
        base_models([candidate(f"a/{n}") for n in range(count)], names, tmp_path / f"{count}.png", "title")
        assert (tmp_path / f"{count}.png").read_bytes().startswith(b"\x89PNG")
