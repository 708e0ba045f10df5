"""Counts of several tasks add up, and an account that does not balance is a bug that is seen."""

from pathlib import Path

import pytest

from llimba.stages.corpus.account import Account
from llimba.stages.corpus_facts import Balance


def test_tasks_add_up(tmp_path: Path) -> None:
    for rank in range(3):
        account = Account()
        account.add("moved", "read", 10)
        account.add("moved", "kept", 7)
        account.add("rejected", "too short", 3)
        account.save(tmp_path, rank)
    total = Account.total([tmp_path])
    assert total.balance("documents") == Balance(read=30, kept=21, evaluation=0, rejected={"too short": 9})
    assert total.of("lines") == {}


def test_a_lost_record_is_seen() -> None:
    account = Account()
    account.add("moved", "read", 2)
    account.add("moved", "kept")
    with pytest.raises(AssertionError, match="do not add up"):
        account.balance("documents")
