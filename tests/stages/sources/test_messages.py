"""Rows of the usual instruction and preference sets are read; a broken or unknown layout is named."""

from typing import Any

import pytest

from llimba.stages.sources.messages import messages_of
from llimba.stages.sources.unsafe import Unsafe

SYSTEM = {"role": "system", "content": "s"}
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
        ({"system": "s", "prompt": "a", "response": "b"}, ([SYSTEM, USER, ANSWER], "")),
        ({"system": "s", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
         ([SYSTEM, USER, ANSWER], "")),
        ({"system": "t", "messages": [SYSTEM, USER, ANSWER]}, ([SYSTEM, USER, ANSWER], "")),
        ({"system": "s", "instruction": "a", "output": "b", "history": [["a", "b"], ["a", "b"]]},
         ([SYSTEM, *[USER, ANSWER] * 3], "")),
        ({"instruction": "a", "output": "b", "history": [USER, ANSWER]}, ([USER, ANSWER] * 2, "")),
        ({"messages": [USER, {**ANSWER, "content": [{"type": "text", "text": "b"}]}]}, ([USER, ANSWER], "")),
        ({"messages": [{"role": "system", "content": " "}, USER, ANSWER]}, ([USER, ANSWER], "")),
    ],
)  # fmt: skip
def test_layouts(row: dict[str, Any], expected: Any) -> None:
    assert messages_of(row, "here")[:2] == expected
    assert messages_of(row, "here").trimmed == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a"}, "here: no messages are found in a row with the columns text"),
        ({"messages": [USER]}, "no assistant: here: the roles must be"),
        ({"messages": [ANSWER]}, "no user: here: the roles must be"),
        (
            {"messages": [{"role": "critic", "content": "x"}, ANSWER]},
            "unknown roles: here: the roles must be.*'critic'",
        ),
        ({"messages": [USER, {"role": "tool", "content": "x"}, ANSWER]}, "tools: here: "),
        ({"messages": [USER, {**ANSWER, "content": None, "tool_calls": [{}]}, ANSWER]}, "tools: here: "),
        ({"messages": [USER, USER, ANSWER], "id": 7}, r"do not alternate: here \(id 7\): two turns of the user"),
        ({"messages": [USER, ANSWER, ANSWER]}, "do not alternate: here: two turns of the assistant"),
        ({"messages": [USER, SYSTEM, ANSWER]}, "late system message: here: "),
        ({"messages": [USER, {**ANSWER, "content": " "}]}, "empty answer: here: "),
        ({"messages": [USER, {**ANSWER, "content": None}]}, "empty answer: here: "),
        ({"messages": [{**USER, "content": ""}, ANSWER]}, "empty question: here: "),
        ({"instruction": "a", "output": ""}, "empty answer: here: "),
        ({"prompt": "", "completion": "x"}, "no user: here: "),
        ({"messages": [USER, {**ANSWER, "content": {"a": 1}}]}, "broken messages: here: "),
        ({"messages": []}, "empty conversation: here: "),
        ({"conversations": []}, "empty conversation: here: "),
        ({"messages": [SYSTEM]}, "no assistant: here: "),
        ({"prompt": [USER], "chosen": [ANSWER, USER], "rejected": [ANSWER]}, "no answer: here: "),
        ({"instruction": "a", "output": "b", "history": [["a"]]}, "broken messages: here: "),
        ({"messages": [{"content": "x"}]}, "here: a row's messages are broken"),
    ],
)
def test_faults(row: dict[str, Any], message: str) -> None:
    with pytest.raises(Unsafe, match=message):
        messages_of(row, "here")


def test_turns_at_the_ends_that_no_answer_follows_or_nobody_asked_for_are_trimmed() -> None:
    found = messages_of({"messages": [SYSTEM, ANSWER, USER, ANSWER, USER, USER]}, "here")
    assert found.messages == [SYSTEM, USER, ANSWER]
    assert found.trimmed == ("assistant before the first user", "user after the last answer")
