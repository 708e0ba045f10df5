"""Three hundred odd requests in every run of the suite; `make fuzz` sends twenty thousand."""

from pathlib import Path

from tests.use.serving.fuzz import fuzz


def test_nothing_unexpected_comes_out(tmp_path: Path) -> None:
    ends = fuzz(300, 7, tmp_path / "model")
    assert ends.total() == 300
    assert ends["200"] > 20 and ends["400"] > 50
