"""Odd requests to the server, in this process, without sockets: each ends in a status that is meant, and no slot stays.

    python -m tests.use.serving.fuzz 20000 [SEED]

A request is mutated as a tree (odd values, odd names, at any place), as bytes, in its headers, its address, the pieces
that its body comes in and the moment at which its client leaves; up to twenty are under way at once. `test_fuzz.py`
runs three hundred in the suite, `make fuzz` twenty thousand. schemathesis makes requests from a schema, which this
server's clients do not keep to.
"""

import asyncio
import copy
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from llimba.models.streaming import Ended, ModelFailed
from llimba.use.serving.asked import Question
from llimba.use.serving.server import Model, build

TOKEN = "a-token-of-this-test"
STATUSES = {200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 503}
REQUEST: dict[str, Any] = {
    "model": "m", "messages": [{"role": "system", "content": "Ses"}, {"role": "user", "content": "Salude"}],
    "max_tokens": 2, "temperature": 0.5, "top_p": 0.9, "seed": 1, "stop": ["x"], "stream": False,
    "stream_options": {"include_usage": True}, "n": 1, "user": "me", "logit_bias": {"1": 2},
}  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 10**30, 1e308, -0.0, float("nan"), float("inf"), "", "a", "a" * 5000, "\ud83d",
    "\udfff b", "\x00", "\u202e", "\u043a", "🐑", "<|im_end|>", "{{ 7 * 7 }}", [], [None], [[]], {}, {"a": 1},
    ["a"] * 300,
    [{"type": "text", "text": "b"}], [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}],
    {"role": "user", "content": "c"}, {"role": "tool", "content": "d"}, "a\r\nx-injected: 1",
]  # fmt: skip
NASTY = [b"\0", b"\xff", b"[" * 3000, b"{", b'"', b"\\ud83d", b"1e999", b"-", b"\xed\xa0\x80", b"\xef\xbb\xbf"]
HEADERS: list[tuple[bytes, bytes]] = [
    (b"host", b"evil.example"), (b"host", b""), (b"host", b"\xff"), (b"host", b"[::1"), (b"content-type", b""),
    (b"content-type", b"text/plain"), (b"content-type", b"application/json; charset=\xff"),
    (b"authorization", b"Basic"),
    (b"authorization", b"Bearer \xff\xfe"), (b"authorization", b"Basic " + b"A" * 4001), (b"origin", b"http://["),
    (b"content-length", b"-1"), (b"content-length", b"x"), (b"cookie", b"a" * 9000), (b"accept", b"\x00"),
]  # fmt: skip
PATHS = ["/v1/models", "/health", "/", "/v1/chat/completions/", "/load_model", "/v1/../health", "/\ud83d", "/\x00"]


class Quick(Model):
    """Answers at once, and fails now and then: the guard is what is looked at."""

    async def answer(self, question: Question, ids: list[int], most: int) -> AsyncGenerator[str | Ended]:
        """A few pieces."""
        for number in range(min(most, 5)):
            await asyncio.sleep(0)
            if question.seed == 2**31 - 1 and number:
                raise ModelFailed("the model could not answer (this is a test)")
            yield f"{number}\ud7ff\u043a"
        yield Ended("stop", 5)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node of a request but the root."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [at] if at else []
    for key, one in inside:
        found += places(one, (*at, key))
    return found


def body_of(chance: random.Random) -> bytes:
    """A request's body, odd in up to four places, or broken as bytes."""
    asked = copy.deepcopy(REQUEST)
    asked["stream"] = chance.random() < 0.5
    for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
        at = chance.choice(places(asked))
        holder = asked
        for key in at[:-1]:
            holder = holder[key]
        change = chance.random()
        if change < 0.6:
            holder[at[-1]] = copy.deepcopy(chance.choice(ODD))
        elif change < 0.8 and isinstance(holder, dict):
            holder[str(chance.choice(ODD))[:200]] = copy.deepcopy(chance.choice(ODD))
        else:
            del holder[at[-1]]
        if not asked:
            break
    if chance.random() < 0.05:
        asked["seed"] = 2**31 - 1
    data = bytearray(json.dumps(asked, ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass"))
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        at = chance.randrange(len(data) + 1)
        piece = chance.choice((chance.choice(NASTY), data[at : at + 20], b""))
        data[at : at + chance.choice((0, 1, 20))] = piece
    return bytes(data)


async def ask(app: Any, chance: random.Random) -> str:
    """Send one request; returns how it ended. Raises `AssertionError` for an end that is not meant."""
    headers = {
        b"host": b"127.0.0.1",
        b"content-type": b"application/json",
        b"authorization": b"Bearer " + TOKEN.encode(),
    }
    headers |= dict([chance.choice(HEADERS)] if chance.random() < 0.15 else [])
    path = chance.choice(PATHS) if chance.random() < 0.1 else "/v1/chat/completions"
    method = chance.choice(("GET", "POST", "PUT", "OPTIONS", "HEAD", "\u00e9")) if chance.random() < 0.1 else "POST"
    data, leaves = body_of(chance), chance.random() < 0.2
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((0, 1, 5))))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    incoming[-1]["more_body"] = False
    if leaves and chance.random() < 0.5:
        incoming = incoming[: chance.randrange(len(incoming) + 1)]
    gone, sent = asyncio.Event(), list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        if not leaves:
            await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    raw = path.encode("utf-8", "surrogatepass")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
             "raw_path": raw, "query_string": b"", "headers": list(headers.items()), "scheme": "http", "root_path": "",
             "server": ("127.0.0.1", 1), "client": ("127.0.0.1", 2)}  # fmt: skip
    await app(scope, receive, send)
    if not sent:
        assert leaves, "no answer to a client that waits"
        return "left"
    status, given = sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
    assert status in STATUSES, f"{status}: {given[:200]!r}"
    for name, value in sent[0]["headers"]:
        assert isinstance(name, bytes) and isinstance(value, bytes) and not set(value) & {10, 13, 0}, value
    whole = bool(sent[1:]) and not sent[-1].get("more_body")
    assert whole or leaves, "an answer that does not end"
    kind = dict(sent[0]["headers"])[b"content-type"]
    if whole and kind.startswith(b"text/event-stream"):
        events = given.decode().split("\n\n")
        assert events[-2:] == ["data: [DONE]", ""], events[-3:]
        for event in events[:-2]:
            json.loads(event.removeprefix("data: "))
    elif whole and path.startswith(("/v1/chat/completions", "/health", "/v1/models")) and kind == b"application/json":
        json.loads(given) if given else None
    return str(status)


async def fuzz_async(count: int, seed: int, folder: Path) -> Counter[str]:
    """`count` requests in groups of up to twenty; returns how many ended in what."""
    from tests.use.models import opened

    chance, ends = random.Random(seed), Counter[str]()
    model = Quick(opened(folder), "m")
    app = build(model, TOKEN)
    while ends.total() < count:
        seeds = [
            f"{seed}-{ends.total() + number}"
            for number in range(min(chance.choice((1, 1, 3, 20)), count - ends.total()))
        ]
        results = await asyncio.gather(*(ask(app, random.Random(one)) for one in seeds), return_exceptions=True)
        for one, result in zip(seeds, results, strict=True):
            if isinstance(result, BaseException):
                print(f"case {one}: body {body_of(random.Random(one))!r}"[:3000])
                raise result
            ends[result] += 1
        assert model.slots == 0, f"{model.slots} slots are still taken after {seeds}"
    return ends


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """The same, from where no loop runs."""
    return asyncio.run(fuzz_async(count, seed, folder))


if __name__ == "__main__":
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        found = fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1, Path(name) / "model")
    print(f"{found.total():,} requests in {time.monotonic() - started:.0f} s, no unhandled exception: {dict(found)}")
