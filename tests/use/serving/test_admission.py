"""Who is let in: this machine without a token, anybody with it; and how much."""

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from llimba.use.serving import admission
from llimba.use.serving.admission import MOST_BYTES, Bodies, admit
from llimba.use.serving.asked import Refused

TOKEN = "token-of-this-test"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_this_machine_comes_in_under_its_own_names(host: str) -> None:
    admit(host, "", None)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example:8080", "0.0.0.0"])
def test_other_names_are_other_hosts(host: str) -> None:
    with pytest.raises(Refused, match="answers to") as refused:
        admit(host, "", None)
    assert refused.value.status == 403


def test_a_token_as_bearer_or_as_password() -> None:
    admit("anywhere", f"Bearer {TOKEN}", TOKEN)
    admit("anywhere", "basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode(), TOKEN)
    for wrong in (
        "",
        "Bearer",
        "Bearer wrong",
        TOKEN,
        "Basic " + base64.b64encode(TOKEN.encode()).decode(),
        "Basic \xe9",
    ):
        with pytest.raises(Refused) as refused:
            admit("127.0.0.1", wrong, TOKEN)
        assert refused.value.status == 401


def test_a_body_is_read_as_far_as_it_may_go() -> None:
    async def parts(*sizes: int) -> AsyncIterator[bytes]:
        for size in sizes:
            yield b"a" * size
        read.append(sum(sizes))

    read: list[int] = []
    body = asyncio.run(Bodies().read("application/json; charset=utf-8", parts(MOST_BYTES - 1, 1)))
    assert (len(body), read) == (MOST_BYTES, [MOST_BYTES])
    for kind, sizes, status in (("application/json", (MOST_BYTES, 1), 413), ("text/plain", (1,), 415), ("", (1,), 415)):
        with pytest.raises(Refused) as refused:
            asyncio.run(Bodies().read(kind, parts(*sizes)))
        assert refused.value.status == status
    assert len(read) == 1, "nothing is read to its end that is refused"


def test_what_is_read_at_once_is_bounded_and_what_left_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_HELD", 1000)
    bodies, statuses = Bodies(), []

    async def read(size: int, wait: float) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a" * size
            await asyncio.sleep(wait)

        try:
            await bodies.read("application/json", parts())
            statuses.append(200)
        except Refused as refused:
            statuses.append(refused.status)

    async def all_at_once() -> None:
        await asyncio.gather(*(read(300, 0.1) for _ in range(5)))
        await read(1000, 0)

    asyncio.run(all_at_once())
    assert sorted(statuses) == [200, 200, 200, 200, 429, 429]


def test_a_token_of_any_characters_is_compared_as_it_came() -> None:
    admit("anywhere", "Bearer " + "pàssu-de-sa-proa".encode().decode("latin-1"), "pàssu-de-sa-proa")
