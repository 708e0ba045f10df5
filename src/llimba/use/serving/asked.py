"""A chat request as OpenAI's clients send it, read into the few things that it may ask for; the rest is named.

Nobody's library reads requests from strangers: transformers' server and vLLM trust their callers, and take a chat
template, generation settings and model names from a request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from llimba.errors import LlimbaError
from llimba.models.encoding import CHARACTERS_PER_TOKEN, Message

ROLES = ("system", "user", "assistant")
MOST_MESSAGES = 200
MOST_STOPS, LONGEST_STOP = 4, 100
NUMBERS = {  # field -> least, most, type
    "temperature": (0.0, 2.0, float),
    "top_p": (0.01, 1.0, float),
    "seed": (0, 2**31 - 1, int),
    "max_tokens": (1, 2**31 - 1, int),
    "max_completion_tokens": (1, 2**31 - 1, int),
}
DEFAULT_TOKENS = 256
MOST_NAMED = 20  # fields that were left out


class Refused(LlimbaError):
    """A request that is not answered; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks for."""

    messages: list[Message]
    temperature: float
    top_p: float
    seed: int | None
    max_tokens: int | None  # None: the request does not say
    stop: list[str]
    stream: bool
    with_usage: bool  # a stream ends with a chunk of token counts
    left_out: str  # fields that are not known, for a header: ASCII, on one line


def asked(body: bytes, name: str, context: int) -> Question:
    """Read a request to the model `name` with room for `context` tokens; raises `Refused`."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the body is not valid JSON ({error}).") from error
    if not isinstance(given, dict):
        raise Refused("the body must be a JSON object.")
    if given.get("model") != name:
        raise Refused(f"there is one model here, '{name}' (see /v1/models).", 404)
    number = {key: _number(key, given[key], *bounds) for key, bounds in NUMBERS.items() if given.get(key) is not None}
    options, count, seed = given.get("stream_options"), number.get("max_completion_tokens"), number.get("seed")
    most = number.get("max_tokens") if count is None else count
    known = {"model", "messages", "stop", "stream", "stream_options", *NUMBERS}
    return Question(
        messages=[_message(one, context) for one in _messages(given)],
        temperature=number.get("temperature", 0.0),
        top_p=number.get("top_p", 1.0),
        seed=None if seed is None else int(seed),
        max_tokens=None if most is None else int(most),
        stop=_stop(given.get("stop")),
        stream=given.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        left_out=", ".join(json.dumps(key)[1:41] for key in sorted(given.keys() - known)[:MOST_NAMED]),
    )


def _messages(given: Mapping[str, object]) -> list[object]:
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages must be a list of at least one message.")
    if len(messages) > MOST_MESSAGES:
        raise Refused(f"messages has {len(messages)} entries; {MOST_MESSAGES} is the limit.", 413)
    return messages


def _message(one: object, context: int) -> Message:
    """Role and plain text; the parts of a text are joined, anything that is no text is refused."""
    if not isinstance(one, dict) or one.get("role") not in ROLES:
        raise Refused(f"every message needs a role, one of {', '.join(ROLES)}.")
    content = one.get("content")
    if isinstance(content, list):
        parts = [p.get("text") if isinstance(p, dict) and p.get("type") == "text" else None for p in content]
        content = "".join(parts) if all(isinstance(part, str) for part in parts) else None  # type: ignore[arg-type]
    if not isinstance(content, str):
        raise Refused("the content of a message must be text.")
    if len(content) > context * CHARACTERS_PER_TOKEN:  # refused before a tokenizer looks at it
        raise Refused(f"a message has {len(content):,} characters, more than the model can read.", 413)
    return {"role": one["role"], "content": _encodable(content, "a message")}


def _encodable(text: str, what: str) -> str:
    """The text, unless half of a surrogate pair is in it: JSON can write one, and it is no character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"{what} holds half a character (\\u{ord(text[error.start]):04x}).") from error
    return text


def _number(field: str, value: object, least: float, most: float, kind: type) -> float:
    right = int if kind is int else int | float
    if isinstance(value, bool) or not isinstance(value, right) or not least <= value <= most:
        raise Refused(f"{field} must be a number from {least} to {most}.")
    return value


def _stop(value: object) -> list[str]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or len(stops) > MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise Refused(f"stop must be a text, or a list of at most {MOST_STOPS}.")
    if any(len(stop) > LONGEST_STOP for stop in stops):
        raise Refused(f"a stop has more than {LONGEST_STOP} characters.")
    return [_encodable(stop, "a stop") for stop in stops]
