"""A few hundred mutated files in every run of the suite; `make fuzz` reads ten thousand."""

from pathlib import Path

from tests.stages.sources.fuzz import fuzz, seeds


def test_nothing_unexpected_comes_out(tmp_path: Path) -> None:
    ends = fuzz(680, 7, tmp_path)
    assert ends.total() == 680
    assert ends["records"] > 20
    assert ends["records and quarantine"] + ends["nothing and quarantine"] > 50


def test_every_seed_is_read_whole_before_it_is_mutated(tmp_path: Path) -> None:
    from tests.stages.sources.fuzz import read

    for name, data in seeds(tmp_path).items():
        path = tmp_path / f"y{name[name.index('.') :]}"
        path.write_bytes(data)
        records, reading = read(name.partition(".")[0], path)
        assert (records > 0, reading.first_quarantined) == (True, ""), name
