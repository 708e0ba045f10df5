"""An OpenAI-compatible endpoint over one model, in this process: /v1/chat/completions, /v1/models, /health.

Why not `transformers serve` or vLLM behind a guard, as until November 2026: their port was a second door. It asked for
no token, had addresses that load other models, and anybody on the machine could take it while the model loaded. A small
server over our own `stream` has one door, and reads text and control tokens as training did. It makes one answer at a
time; for many at once run vLLM itself on the published folder, or llama.cpp's server (`llimba export`).

A request that is answered holds a slot, from its arrival until its last byte is sent or its connection ends: the client
leaves, or takes nothing for a while (`listening.py`).
"""

import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

from llimba.errors import LlimbaError
from llimba.models.encoding import PromptTooLong
from llimba.models.loading import LoadedModel
from llimba.models.streaming import Ended, ModelFailed, stream
from llimba.use.serving.admission import Bodies, admit
from llimba.use.serving.asked import DEFAULT_TOKENS, Question, Refused, asked

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

MOST_AT_ONCE = 16  # requests; more are told to come back


class Model:
    """A model that several ask: one answer is made at a time, a bounded number wait."""

    def __init__(self, opened: LoadedModel, name: str) -> None:
        """`name` is what clients call the model."""
        import anyio

        self.opened, self.name = opened, name
        self.failure = ""  # of the last answer, where the model itself failed
        self.slots = 0  # taken
        self._turn = anyio.Lock()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot while the block runs; raises `Refused` (429) where none is free."""
        if self.slots >= MOST_AT_ONCE:
            raise Refused("too many requests at once; try again soon.", 429)
        self.slots += 1
        try:
            yield
        finally:
            self.slots -= 1

    def prompt(self, question: Question) -> tuple[list[int], int]:
        """Ids to answer, and how many tokens the answer may have; raises `Refused` where it does not fit."""
        try:
            ids = self.opened.prompt(question.messages, question.max_tokens or 1)
        except PromptTooLong as error:
            raise Refused(str(error), 413) from error
        except LlimbaError as error:
            raise Refused(str(error)) from error
        return ids, question.max_tokens or min(DEFAULT_TOKENS, self.opened.context - len(ids))

    async def answer(self, question: Question, ids: list[int], most: int) -> AsyncGenerator[str | Ended]:
        """Pieces of the answer, and last how it ended; the model is free for others as soon as it is made.

        Raises `ModelFailed`.
        """
        import anyio

        send, receive = anyio.create_memory_object_stream[str | Ended](most + 2)
        failed: list[ModelFailed] = []

        async def make() -> None:
            async with send, self._turn:
                pieces = stream(
                    self.opened, ids, most, temperature=question.temperature, top_p=question.top_p,
                    seed=question.seed, stop=question.stop,
                )  # fmt: skip
                try:
                    while not isinstance(piece := await anyio.to_thread.run_sync(_next, pieces), Ended):
                        if piece:
                            await send.send(piece)
                    await send.send(piece)
                    self.failure = ""
                except ModelFailed as error:
                    self.failure = str(error)
                    failed.append(error)
                finally:
                    with anyio.CancelScope(shield=True):
                        await anyio.to_thread.run_sync(pieces.close)

        async with anyio.create_task_group() as group, receive:
            group.start_soon(make)
            async for piece in receive:
                yield piece
        if failed:
            raise failed[0]


def _next(pieces: Generator[str, None, Ended]) -> str | Ended:
    try:
        return next(pieces)
    except StopIteration as ended:
        return ended.value  # type: ignore[no-any-return]


class Answering:
    """The response to one question, as an ASGI application: whole, or as server-sent events."""

    def __init__(self, model: Model, question: Question) -> None:
        self._model, self._question = model, question
        self._id, self._created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        import anyio

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        refused: list[Refused] = []
        with self._model.slot():
            ids, most = await anyio.to_thread.run_sync(self._model.prompt, self._question)
            async with anyio.create_task_group() as group:
                group.start_soon(watch)
                try:
                    async with aclosing(self._model.answer(self._question, ids, most)) as pieces:
                        await (self._events if self._question.stream else self._whole)(pieces, len(ids), send)
                except ModelFailed as error:
                    refused.append(Refused(str(error), 503))
                group.cancel_scope.cancel()
        if refused:
            raise refused[0]

    async def _whole(self, pieces: AsyncIterator[str | Ended], prompt: int, send: "Send") -> None:
        text, ended = "", Ended("length", 0)
        async for piece in pieces:
            if isinstance(piece, Ended):
                ended = piece
            else:
                text += piece
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": ended.reason}
        answer = self._object("chat.completion", [choice], usage=_usage(prompt, ended))
        body = json.dumps(answer, ensure_ascii=False).encode()
        await send(self._head("application/json", len(body)))
        await send({"type": "http.response.body", "body": body})

    async def _events(self, pieces: AsyncIterator[str | Ended], prompt: int, send: "Send") -> None:
        async def event(data: object) -> None:
            line = f"data: {data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)}\n\n"
            await send({"type": "http.response.body", "body": line.encode(), "more_body": True})

        def chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
            return self._object("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])

        await send(self._head("text/event-stream", None))
        await event(chunk({"role": "assistant", "content": ""}))
        try:
            async for piece in pieces:
                if isinstance(piece, Ended):
                    await event(chunk({}, piece.reason))
                    if self._question.with_usage:
                        await event(self._object("chat.completion.chunk", [], usage=_usage(prompt, piece)))
                else:
                    await event(chunk({"content": piece}))
        except ModelFailed as error:
            await event(error_object(str(error), 503))
        await event("[DONE]")
        await send({"type": "http.response.body", "body": b""})

    def _head(self, kind: str, length: int | None) -> dict[str, object]:
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        if self._question.left_out:
            headers.append((b"x-llimba-left-out", self._question.left_out.encode()))
        return {"type": "http.response.start", "status": 200, "headers": headers}

    def _object(self, kind: str, choices: list[dict[str, object]], **more: object) -> dict[str, object]:
        named = {"id": self._id, "object": kind, "created": self._created, "model": self._model.name}
        return {**named, "choices": choices, **more}


def _usage(prompt: int, ended: Ended) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": ended.tokens, "total_tokens": prompt + ended.tokens}


def build(model: Model, token: str | None) -> "Starlette":
    """The application; `token` None: nobody is asked for one (loopback only)."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    started, bodies = int(time.time()), Bodies()

    def let_in(request: "Request") -> None:
        admit(request.headers.get("host", ""), request.headers.get("authorization", ""), token)

    async def models(request: "Request") -> "Response":
        let_in(request)
        entry = {"id": model.name, "object": "model", "created": started, "owned_by": "llimba"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def health(_: "Request") -> "Response":
        full = model.slots >= MOST_AT_ONCE
        status = model.failure or ("no slot is free" if full else "ok")
        taken = {"status": status, "slots_taken": model.slots, "slots": MOST_AT_ONCE}
        return JSONResponse(taken, 503 if model.failure or full else 200)

    async def chat(request: "Request") -> Answering:
        let_in(request)
        body = await bodies.read(request.headers.get("content-type", ""), request.stream())
        return Answering(model, asked(body, model.name, model.opened.context))

    async def refuse(_: "Request", error: Exception) -> "Response":
        status = error.status if isinstance(error, Refused) else 500
        return JSONResponse(error_object(str(error), status), status, {"retry-after": "1"} if status == 429 else None)

    routes = [
        Route("/v1/models", models, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/v1/chat/completions", chat, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={Refused: refuse})
    app.router.redirect_slashes = False  # to whatever host the request names
    return app


def error_object(message: str, status: int) -> dict[str, object]:
    """An error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": "invalid_request_error", "code": status}}
