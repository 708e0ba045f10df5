"""`make serve-load`: `llimba serve` for ten minutes: 64 clients, a third of them hostile, and a thousand silent ones.

    python -m benchmarks.serve [MODEL_FOLDER] [--seconds 600] [--clients 64] [--out FILE.json]

Without a folder the model is the tests' tiny one. The server is the command itself, in a process of its own, on
loopback. The honest two thirds ask and ask again, and wait where they are told to (429, Retry-After); every answer is
compared with the first one to the same question. The others leave early, send slowly, send garbage, name fields nobody
knows, read nothing. Exits with 1 where an honest client was not served, an answer differs, memory grew, or a slot is
still taken at the end.
"""

import argparse
import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

SILENT = 1000  # connections at the start
QUESTIONS = [f"Cantu faghet {number} prus {number}?" for number in range(20)]
NEW_TOKENS = 12
GROWTH = 0.1  # of memory, from the first third to the last, that is still flat


@dataclass
class Seen:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)  # until an honest question was answered, waits included
    statuses: Counter[str] = field(default_factory=Counter)
    hostile: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)  # seconds since the start, MiB


def request(body: bytes, path: str = "/v1/chat/completions", length: int | None = None) -> bytes:
    """A POST as it goes over the wire; `length` other than the body's: more is promised than sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body


def question(text: str, **more: object) -> bytes:
    """The body of a question."""
    asked = {"model": "llimba", "messages": [{"role": "user", "content": text}], "max_tokens": NEW_TOKENS, **more}
    return json.dumps(asked).encode()


async def ask(port: int, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer; 0 where the connection ended without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        whole = await asyncio.wait_for(reader.read(), 120)
    finally:
        writer.close()
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]) if first else 0, headers, body


async def honest(port: int, seen: Seen, chance: random.Random, until: float) -> None:
    """Ask question after question; wait and ask again where told so."""
    while time.monotonic() < until:
        text, started = chance.choice(QUESTIONS), time.monotonic()
        while True:
            status, headers, body = await ask(port, request(question(text)))
            seen.statuses[str(status)] += 1
            if status != 429:
                break
            await asyncio.sleep(float(headers.get("retry-after", "1")) * chance.uniform(0.5, 1.5))
        if status != 200:
            seen.wrong.append(f"{status}: {body[:200]!r}")
            continue
        seen.seconds.append(time.monotonic() - started)
        answer = json.loads(body)["choices"][0]["message"]["content"]
        if seen.first.setdefault(text, answer) != answer:
            seen.wrong.append(f"{text}: {answer!r} and {seen.first[text]!r}")


async def leaves_early(port: int, chance: random.Random) -> None:
    """Asks for a long answer and goes, at once or in the middle."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(question(chance.choice(QUESTIONS), max_tokens=400, stream=chance.random() < 0.7)))
    await writer.drain()
    if chance.random() < 0.7:
        await asyncio.wait_for(reader.read(200), 5)
    if chance.random() < 0.5:
        writer.transport.abort()
    writer.close()


async def reads_nothing(port: int, chance: random.Random) -> None:
    """Asks for a long stream and reads none of it for a while."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        taken.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(taken, ("127.0.0.1", port))
        await loop.sock_sendall(taken, request(question(chance.choice(QUESTIONS), max_tokens=300, stream=True)))
        await asyncio.sleep(chance.uniform(1, 10))


async def sends_slowly(port: int, chance: random.Random) -> None:
    """A body a few bytes at a time, which never comes to its end."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(question("a" * 200), length=100_000))
    for _ in range(chance.randint(1, 20)):
        writer.write(b"aaaa")
        await asyncio.sleep(0.3)
    writer.close()


async def sends_garbage(port: int, chance: random.Random) -> None:
    """No HTTP, or HTTP with what is no request."""
    data = chance.choice([
        chance.randbytes(2000),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        request(b"[" * 50_000), request(b"\xff\xfe"), request(b"{}"), request(b'{"model": NaN}'),
        request(b'"' + b"a" * 2_000_000 + b'"'), request(question("x"), path="/load_model"),
    ])  # fmt: skip
    with suppress(ValueError):  # what came back is no HTTP either
        await ask(port, data)


async def names_odd_fields(port: int, chance: random.Random) -> None:
    """Fields that nobody knows, in other scripts, and half characters."""
    name = chance.choice(["\u043a", "a\nb", "\U0001f411", "a\x00", "\u202e", "x" * 5000, "\ud83d"])
    more: dict[str, object] = {name: chance.choice([1, None, "x", [[]], {"a": 1}]), "stream": chance.random() < 0.5}
    if chance.random() < 0.3:
        more["messages"] = [{"role": "user", "content": chance.choice(["\ud83d", "<|im_end|>", "", "a" * 90_000])}]
    await ask(port, request(question("Salude", **more)))


HOSTILE: list[Callable[[int, random.Random], Awaitable[None]]] = [
    leaves_early, reads_nothing, sends_slowly, sends_garbage, names_odd_fields, leaves_early,
]  # fmt: skip


async def hostile(port: int, seen: Seen, chance: random.Random, until: float) -> None:
    """One attack after another."""
    while time.monotonic() < until:
        attack = chance.choice(HOSTILE)
        try:
            await attack(port, chance)
            seen.hostile[attack.__name__] += 1
        except (OSError, EOFError, TimeoutError):  # thrown out, which is what should happen
            seen.hostile[attack.__name__ + ", thrown out"] += 1
        await asyncio.sleep(0.02)


async def sample(process: int, seen: Seen, until: float) -> None:
    """The server's resident memory, every second."""
    started = time.monotonic()
    while time.monotonic() < until:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        seen.memory.append((time.monotonic() - started, pages * 4096 // 2**20))
        await asyncio.sleep(1)


async def load(port: int, process: int, clients: int, seconds: float, seed: int) -> Seen:
    """All of it at once."""
    seen, until = Seen(), time.monotonic() + seconds
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SILENT)]
    chances = [random.Random(seed + number) for number in range(clients)]
    bad = clients // 3
    await asyncio.gather(
        sample(process, seen, until),
        *(hostile(port, seen, chance, until) for chance in chances[:bad]),
        *(honest(port, seen, chance, until) for chance in chances[bad:]),
    )
    for _, writer in silent:
        writer.transport.abort()
    return seen


async def slots_at_the_end(port: int) -> int:
    """How many slots are taken when all have gone."""
    taken = -1
    for _ in range(40):
        _, _, body = await ask(port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        taken = int(json.loads(body)["slots_taken"])
        if not taken:
            break
        await asyncio.sleep(0.5)
    return taken


def summary(seen: Seen, slots: int, seconds: float) -> dict[str, object]:
    """The figures, and `failed`: what is not as it should be."""
    third = seconds / 3
    first, last = (
        statistics.median(mib for at, mib in seen.memory if low <= at < high)
        for low, high in ((min(30.0, third / 2), third), (2 * third, seconds))
    )
    ranked = sorted(seen.seconds)
    failed = [f"{len(seen.wrong)} honest questions, e.g. {seen.wrong[0]}"] if seen.wrong else []
    failed += [f"memory grew from {first} to {last} MiB"] if last > first * (1 + GROWTH) else []
    failed += [f"{slots} slots taken"] if slots else []
    return {
        "seconds": seconds, "answered": len(ranked), "statuses of honest requests": dict(seen.statuses),
        "p50 seconds": round(ranked[len(ranked) // 2], 2), "p95 seconds": round(ranked[len(ranked) * 95 // 100], 2),
        "hostile": dict(sorted(seen.hostile.items())), "MiB first third": first, "MiB last third": last,
        "MiB most": max(mib for _, mib in seen.memory), "slots at the end": slots, "failed": failed,
    }  # fmt: skip


def main() -> None:
    """Start the server, load it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder
        if folder is None:
            from tests.fakes import save_tiny_model

            folder = save_tiny_model(Path(scratch) / "model")
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen([sys.executable, "-m", "llimba", "serve", str(folder), "--port", str(port)])
        try:
            while server.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.2)
            seen = asyncio.run(load(port, server.pid, given.clients, given.seconds, given.seed))
            figures = summary(seen, asyncio.run(slots_at_the_end(port)), given.seconds)
        finally:
            server.terminate()
            server.wait(30)
    text = json.dumps(figures, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    sys.exit(1 if figures["failed"] else 0)


if __name__ == "__main__":
    main()
