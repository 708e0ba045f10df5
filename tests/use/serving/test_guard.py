"""A chat from the real engine through the guard with OpenAI's own client; and what the guard keeps out."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

openai = pytest.importorskip("openai")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from llimba.use.serving.admission import MOST_BYTES  # noqa: E402
from llimba.use.serving.asked import Limits  # noqa: E402
from llimba.use.serving.engine import Engine  # noqa: E402
from llimba.use.serving.guard import build  # noqa: E402
from tests.use.models import folder as model_folder  # noqa: E402

MESSAGES: Any = [{"role": "user", "content": "Salude"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    with Engine("transformers", folder) as running:
        yield running


@contextmanager
def served(engine: Engine, token: str | None = None) -> Iterator[int]:
    """The guard before `engine` on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(build("sardu", engine, Limits(Path(engine.model)), token), port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def port(engine: Engine) -> Iterator[int]:
    with served(engine) as number:
        yield number


def client(port: int, key: str = "none") -> Any:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0)


def post(port: int, body: bytes, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (BrokenPipeError, ConnectionResetError):  # refused while the body was still on its way
        return 413, "closed"
    finally:
        connection.close()


def test_openais_client_streams_a_chat(port: int, folder: Path) -> None:
    talk = client(port)
    assert [model.id for model in talk.models.list()] == ["sardu"]
    stream = talk.chat.completions.create(model="sardu", messages=MESSAGES, stream=True, max_tokens=6, temperature=0)
    chunks = list(stream)
    assert {chunk.model for chunk in chunks} == {"sardu"}, "the folder's path stays here"
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    whole = talk.chat.completions.create(model="sardu", messages=MESSAGES, max_tokens=6, temperature=0)
    assert whole.choices[0].message.content == streamed
    assert whole.usage.completion_tokens <= 6
    assert str(folder) not in whole.model_dump_json()


def test_a_temperature_samples(port: int) -> None:
    talk = client(port)
    answers = {
        talk.chat.completions.create(model="sardu", messages=MESSAGES, max_tokens=8, temperature=2.0, seed=seed)
        .choices[0].message.content
        for seed in range(4)
    }  # fmt: skip
    assert len(answers) > 1


@pytest.mark.parametrize(
    "path", ["/load_model", "/reset", "/v1/completions", "/v1/responses", "/docs", "/openapi.json"]
)
def test_only_three_addresses_are_open(path: str, port: int) -> None:
    assert post(port, b'{"model": "gpt2"}', path)[0] == 404


def test_hostile_requests_are_refused_and_the_server_lives(port: int) -> None:
    request = {"model": "sardu", "messages": MESSAGES, "max_tokens": 2}
    bomb = {"chat_template": "{{ 'a' * 300000000 }}"}
    assert post(port, b"{")[0] == 400
    assert post(port, b"[" * 200_000)[0] == 400
    assert post(port, b'{"a": "' + b"a" * (MOST_BYTES * 3) + b'"}')[0] == 413
    assert post(port, json.dumps({**request, "model": "gpt2"}).encode())[0] == 404
    assert post(port, json.dumps({**request, "messages": [{"role": "user", "content": "a" * 9000}]}).encode())[0] == 413
    assert post(port, json.dumps(request).encode(), **{"Content-Type": "text/plain"})[0] == 415
    assert post(port, json.dumps(request).encode(), Host="evil.example")[0] == 403
    status, answer = post(port, json.dumps({**request, "chat_template_kwargs": bomb, **bomb}).encode())
    assert status == 200, answer
    with pytest.raises(openai.NotFoundError, match="there is one model here"):
        client(port).chat.completions.create(model="gpt2", messages=MESSAGES)
    assert client(port).chat.completions.create(model="sardu", messages=MESSAGES, max_tokens=2).model == "sardu"


def test_many_clients_at_once(port: int) -> None:
    statuses: list[int] = []
    body = json.dumps({"model": "sardu", "messages": MESSAGES, "max_tokens": 4}).encode()
    threads = [threading.Thread(target=lambda: statuses.append(post(port, body)[0])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6


def test_a_token_is_asked_for_where_one_is_set(engine: Engine) -> None:
    with served(engine, token="a-long-secret-token") as port:
        with pytest.raises(openai.AuthenticationError):
            client(port).models.list()
        assert client(port, "a-long-secret-token").models.list().data[0].id == "sardu"


def test_an_engine_that_died_is_said(folder: Path) -> None:
    dead = Engine("transformers", folder)  # never started
    with served(dead) as port:
        with pytest.raises(openai.InternalServerError, match="engine does not answer"):
            client(port).chat.completions.create(model="sardu", messages=MESSAGES)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 503
