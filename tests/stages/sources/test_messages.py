"""Rows of the usual instruction and preference sets are read; a broken or unknown layout is named."""

from typing import Any

import pytest

from llimba.stages.sources.intake import Unsafe
from llimba.stages.sources.messages import messages_of

USER, ANSWER = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"messages": [USER, ANSWER]}, ([USER, ANSWER], "")),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, ([USER, ANSWER], "")),
        ({"conversation": [{"input": "a", "output": "b"}]}, ([USER, ANSWER], "")),
        ({"instruction": "a", "input": "", "output": "b"}, ([USER, ANSWER], "")),
        ({"instruction": "x", "input": "y", "output": "b"}, ([{**USER, "content": "x\n\ny"}, ANSWER], "")),
        ({"prompt": "a", "completion": "b"}, ([USER, ANSWER], "")),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, ([USER, ANSWER], "c")),
        ({"prompt": [USER], "chosen": [ANSWER], "rejected": [{**ANSWER, "content": "c"}]}, ([USER, ANSWER], "c")),
        ({"chosen": [USER, ANSWER], "rejected": [USER, {**ANSWER, "content": "c"}]}, ([USER, ANSWER], "c")),
        ({"system": "s", "prompt": "a", "response": "b"}, ([{"role": "system", "content": "s"}, USER, ANSWER], "")),
    ],
)
def test_layouts(row: dict[str, Any], expected: Any) -> None:
    assert messages_of(row, "here") == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a"}, "here: no messages are found in a row with the columns text"),
        ({"messages": [USER]}, "here: the roles must be"),
        ({"messages": [{"role": "tool", "content": "x"}, ANSWER]}, "here: the roles must be"),
        ({"messages": [{"content": "x"}]}, "here: a row's messages are broken"),
    ],
)
def test_faults(row: dict[str, Any], message: str) -> None:
    with pytest.raises(Unsafe, match=message):
        messages_of(row, "here")
