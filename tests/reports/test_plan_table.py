"""The plan's table says what does not fit, and what would help."""

from rich.console import Console

from llimba.reports.plan_table import duration, render_plan
from llimba.training.cards import CARDS
from llimba.training.estimate import estimate
from tests.training.test_estimate import SHAPE, published


def test_the_table() -> None:
    stages = {
        "cpt": estimate(SHAPE, published(), CARDS["rtx4090"], [760] * 18270, seed=1),
        "sft": estimate(SHAPE, published(gradient_checkpointing=False), CARDS["rtx4090"], None, seed=1),
    }
    console = Console(width=120, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_plan(stages))
    text = console.export_text()
    assert "RTX 4090" in text
    assert "does not fit" in text
    assert "gradient_checkpointing: true" in text
    assert "2,284" in text
    assert "min a million tokens" in text
    assert "CUDA context" in text


def test_durations_are_in_the_unit_that_people_count_in() -> None:
    assert [duration(hours) for hours in (2.25, 0.5, 0.005)] == ["2.2 h", "30 min", "18 s"]
