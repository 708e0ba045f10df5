"""The guard: an ASGI application that lets through three addresses and checks everything that passes.

`/v1/models` it answers itself, `/health` says whether the engine lives, `/v1/chat/completions` goes to the engine after
`asked` has built the request anew. Everything else is 404: the engines have open addresses that load other models or
unload this one. A web page that somebody visits cannot talk to it either: other hosts and content types are refused.
"""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.use.serving.admission import admit, json_body
from llimba.use.serving.asked import Limits, Refused, asked, sampled
from llimba.use.serving.engine import Engine

if TYPE_CHECKING:
    from starlette.applications import Starlette

MOST_AT_ONCE = 16  # requests; more are told to come back


def build(name: str, engine: Engine, limits: Limits, token: str | None) -> "Starlette":
    """The application. `name` is what clients call the model; `token` None: nobody is asked for one (loopback only)."""
    import aiohttp
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    running = 0

    async def models(request: Request) -> Response:
        admit(request.headers.get("host", ""), request.headers.get("authorization", ""), token)
        entry = {"id": name, "object": "model", "created": int(started), "owned_by": "llimba"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}) if engine.alive else JSONResponse({"status": "engine ended"}, 503)

    async def chat(request: Request) -> Response:
        nonlocal running
        admit(request.headers.get("host", ""), request.headers.get("authorization", ""), token)
        body = await json_body(request.headers.get("content-type", ""), request.stream())
        passed, left_out = asked(body, name, limits)
        if engine.name == "transformers":
            passed = sampled(passed, Path(engine.model))
        if running >= MOST_AT_ONCE:
            raise Refused("too many requests at once; try again soon.", 429)
        running += 1
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10))

        async def finish() -> None:
            nonlocal running
            running -= 1
            await session.close()

        try:
            answer = await session.post(f"{engine.url}/v1/chat/completions", json={"model": engine.model, **passed})
            headers = {"x-llimba-left-out": ", ".join(left_out)[:500]} if left_out else {}
            if answer.status != 200 or not passed["stream"]:
                content = await answer.read()
                await finish()
                return _plain(answer.status, content, headers)
        except (aiohttp.ClientError, OSError) as error:
            await finish()
            raise Refused("the engine does not answer; see where llimba serve was started.", 503) from error
        except BaseException:
            await finish()
            raise

        async def lines() -> AsyncIterator[bytes]:
            try:
                async for line in answer.content:
                    yield _event(line)
                yield b"data: [DONE]\n\n"
            except aiohttp.ClientError:
                yield _error_event("the engine ended while it answered.")
            finally:
                answer.close()
                await finish()

        return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)

    def _plain(status: int, content: bytes, headers: dict[str, str]) -> Response:
        if status != 200:
            raise Refused(f"the engine refused the request (HTTP {status}).", 502 if status >= 500 else 400)
        return JSONResponse({**json.loads(content), "model": name}, headers=headers)

    def _event(line: bytes) -> bytes:
        """One line of a stream with the model's name in place of its folder; the engine's own end mark is left out."""
        if not line.startswith(b"data: ") or line.strip() == b"data: [DONE]":
            return b"" if line.startswith(b"data: ") else line
        try:
            event = json.loads(line[6:])
        except ValueError:
            return _error_event("the engine failed while it answered.")
        if "error" in event:
            return _error_event("the engine failed while it answered.")
        return b"data: " + json.dumps({**event, "model": name}, ensure_ascii=False).encode() + b"\n"

    async def refuse(_: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, Refused) else 500
        return JSONResponse(_error(str(error), status), status)

    started = time.time()
    routes = [
        Route("/v1/models", models, methods=["GET"]),
        Route("/health", health, methods=["GET"]),
        Route("/v1/chat/completions", chat, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers={Refused: refuse})


def _error(message: str, status: int) -> dict[str, object]:
    """An error as OpenAI's clients read it."""
    return {"error": {"message": message, "type": "invalid_request_error", "code": status}}


def _error_event(message: str) -> bytes:
    return b"data: " + json.dumps(_error(message, 502)).encode() + b"\n\n"
