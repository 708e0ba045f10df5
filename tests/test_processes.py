"""The rank is the launcher's."""

import pytest

from llimba import processes


def test_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert processes.is_main()
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert processes.count() == 1
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.count() == 2
    assert processes.rank() == 1
    assert not processes.is_main()
