"""What a request may say: the fields that are known, within bounds; the rest is left out or refused."""

import json
from typing import Any

import pytest

from llimba.use.serving.asked import Refused, asked

CONTEXT = 2048


def body(**changes: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Salude"}], **changes}).encode()


def test_what_is_known_is_read() -> None:
    found = asked(body(temperature=0.5, top_p=0.9, stream=True, stop="x", seed=3, max_tokens=7), "m", CONTEXT)
    assert found.messages == [{"role": "user", "content": "Salude"}]
    assert (found.temperature, found.top_p, found.seed, found.max_tokens, found.stop) == (0.5, 0.9, 3, 7, ["x"])
    assert found.stream and not found.with_usage and not found.left_out
    plain = asked(body(), "m", CONTEXT)
    assert (plain.temperature, plain.seed, plain.max_tokens, plain.stop, plain.stream) == (0.0, None, None, [], False)
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    assert asked(body(messages=parts), "m", CONTEXT).messages[0]["content"] == "ab"
    assert asked(body(max_tokens=7, max_completion_tokens=9), "m", CONTEXT).max_tokens == 9


def test_fields_that_are_not_known_are_named_as_a_header_can_hold_them() -> None:
    names = ["chat_template", "generation_config", "tools", "café", "a\r\nb: 1", "\ud83d", "n" * 5000]
    left_out = asked(body(**dict.fromkeys(names, 1)), "m", CONTEXT).left_out
    assert left_out.isascii() and left_out.isprintable()
    assert all(name in left_out for name in ("chat_template", "generation_config", "tools", "caf\\u00e9", "\\ud83d"))
    assert len(asked(body(**{f"field {n}": 1 for n in range(10_000)}), "m", CONTEXT).left_out) < 1000


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[" * 100_000, 400, "not valid JSON"),
        (b"\xff", 400, "not valid JSON"),
        (b"[]", 400, "must be a JSON object"),
        (body(model="another"), 404, "there is one model here, 'm'"),
        (body(messages=[]), 400, "at least one message"),
        (body(messages="hello"), 400, "at least one message"),
        (body(messages=[{"role": "user", "content": "a"}] * 201), 413, "200 is the limit"),
        (body(messages=[{"role": "tool", "content": "a"}]), 400, "needs a role"),
        (body(messages=[{"role": "user", "content": None}]), 400, "must be text"),
        (body(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), 400, "must be text"),
        (body(messages=[{"role": "user", "content": "a\ud83d"}]), 400, r"half a character .\\ud83d"),
        (body(stop=["\udc00"]), 400, "half a character"),
        (body(stop="a" * 101), 400, "more than 100 characters"),
        (body(messages=[{"role": "user", "content": "a" * 300_000}]), 413, "more than the model can read"),
        (body(max_tokens=0), 400, "max_tokens must be a number"),
        (body(max_tokens=True), 400, "max_tokens must be a number"),
        (body(temperature="hot"), 400, "temperature must be a number from 0.0 to 2.0"),
        (body(temperature=9), 400, "temperature must be a number"),
        (body(stop=["a"] * 5), 400, "stop must be"),
        (body(temperature=float("nan")), 400, "temperature must be a number"),
    ],
)
def test_the_rest_is_refused(given: bytes, status: int, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        asked(given, "m", CONTEXT)
    assert refused.value.status == status
