"""Rows of the usual instruction and preference sets are read; a broken or unknown layout is named."""

import json
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
        ({"messages": [{"role": "Human", "content": "a"}, {"from": "model", "value": "b"}]}, ([USER, ANSWER], "")),
        ({"messages": [USER, {**ANSWER, "weight": 1}], "tools": "[]", "images": []}, ([USER, ANSWER], "")),
        ({"messages": [{**USER, "weight": 0}, {**ANSWER, "weight": None}]}, ([USER, ANSWER], "")),
        ({"messages": json.dumps([USER, ANSWER])}, ([USER, ANSWER], "")),
        ({"instruction": "x", "context": "y", "response": "b"}, ([{**USER, "content": "x\n\ny"}, ANSWER], "")),
        ({"system_prompt": "s", "question": "a", "response": "b"}, ([SYSTEM, USER, ANSWER], "")),
        ({"prompt": "a", "completion": "b", "label": True}, ([USER, ANSWER], "")),
        ({"conversations": [{"from": "human", "value": "a"}], "chosen": {"from": "gpt", "value": "b"},
          "rejected": {"from": "gpt", "value": "c"}}, ([USER, ANSWER], "c")),
        ({"instruction": "x", "input": "y", "chosen": "b", "rejected": "c"},
         ([{**USER, "content": "x\n\ny"}, ANSWER], "c")),
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
        ({"messages": [USER, {**ANSWER, "content": {"a": 1}}]}, "not text: here: column 'content' holds an object"),
        ({"messages": []}, "empty conversation: here: "),
        ({"conversations": []}, "empty conversation: here: "),
        ({"messages": [SYSTEM]}, "no assistant: here: "),
        ({"prompt": [USER], "chosen": [ANSWER, USER], "rejected": [ANSWER]}, "no answer: here: "),
        ({"instruction": "a", "output": "b", "history": [["a"]]}, "broken messages: here: "),
        ({"messages": [{"content": "x"}]}, "here: a row's messages are broken"),
        ({"messages": [USER, {**ANSWER, "content": 5}]}, "not text: here: column 'content' holds a number"),
        ({"messages": [USER, {**ANSWER, "content": float("nan")}]}, "not text: here: "),
        ({"messages": [USER, {**ANSWER, "content": "b \ud83d"}]}, "half a character: here: "),
        ({"messages": [USER, {**ANSWER, "content": "b\0"}]}, "NUL character: here: "),
        (
            {"messages": [USER, {**ANSWER, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "images or sound: here: a turn has a part of type 'image_url'",
        ),
        ({"messages": [{**USER, "images": ["x"]}, ANSWER]}, "images or sound: here: "),
        ({"messages": [USER, ANSWER], "images": ["a.png"]}, "images or sound: here: "),
        ({"messages": [USER, ANSWER], "tools": [{"name": "x"}]}, "tools: here: the row offers tools"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "weights: here: 'weight' of an answer is 0"),
        ({"messages": [USER, {**ANSWER, "train": False}]}, "weights: here: "),
        ({"prompt": "a", "completion": "b", "label": False}, "bad answer: here: "),
        ({"messages": [{"role": ["user"], "content": "a"}, ANSWER]}, "unknown roles: here: "),
        ({"prompt": 7, "completion": "b"}, "not text: here: "),
        ({"prompt": "a", "completion": {"b": 1}}, "broken messages: here: "),
    ],
)
def test_faults(row: dict[str, Any], message: str) -> None:
    with pytest.raises(Unsafe, match=message):
        messages_of(row, "here")


def test_turns_at_the_ends_that_no_answer_follows_or_nobody_asked_for_are_trimmed() -> None:
    found = messages_of({"messages": [SYSTEM, ANSWER, USER, ANSWER, USER, USER]}, "here")
    assert found.messages == [SYSTEM, USER, ANSWER]
    assert found.trimmed == ("assistant before the first user", "user after the last answer")
