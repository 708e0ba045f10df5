"""A chat request looked at before the engine sees it: what is allowed is passed on, the rest left out or refused.

The engines trust their callers: transformers' server takes a chat template, generation settings and model names from a
request, and reads control tokens in what people typed. So a request is built anew from the fields that are known.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llimba.errors import LlimbaError
from llimba.files import read_json
from llimba.models.encoding import CHARACTERS_PER_TOKEN, with_system_in_first_turn
from llimba.models.loading import CONTEXT

ROLES = ("system", "user", "assistant")
MOST_MESSAGES = 200
MOST_STOPS = 4
NUMBERS = {  # field -> least, most, type
    "temperature": (0.0, 2.0, float),
    "top_p": (0.01, 1.0, float),
    "frequency_penalty": (-0.9, 2.0, float),
    "seed": (0, 2**31 - 1, int),
    "max_tokens": (1, 2**31 - 1, int),
    "max_completion_tokens": (1, 2**31 - 1, int),
}
DEFAULT_TOKENS = 256
WORD_JOINER = "\u2060"  # invisible: breaks a control token that somebody typed without a change that one sees


class Refused(LlimbaError):
    """A request that is not passed on; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Limits:
    """What one model folder allows: its context, its control tokens, a tokenizer that counts."""

    def __init__(self, folder: Path, *, takes_system: bool = True) -> None:
        """`takes_system`: whether the folder's chat template writes system messages, as `encoding` finds out."""
        from tokenizers import Tokenizer

        if not (folder / "tokenizer.json").exists():
            raise LlimbaError(f"serve: {folder} holds no tokenizer.json. Save its tokenizer with transformers once.")
        self.takes_system = takes_system
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        config = read_json(folder / "config.json")
        config = config.get("text_config") or config
        self.context = int(config.get("max_position_embeddings") or CONTEXT)
        added = sorted((token.content for token in self._tokenizer.get_added_tokens_decoder().values()), key=len)
        self._control = re.compile("|".join(re.escape(token) for token in reversed(added)) or "(?!)")

    def defused(self, text: str) -> str:
        """The text with a word joiner inside every control token, so that no tokenizer reads one."""
        return self._control.sub(lambda found: found[0][0] + WORD_JOINER + found[0][1:], text)

    def count(self, text: str) -> int:
        """How many tokens a text is."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def asked(body: bytes, name: str, limits: Limits) -> tuple[dict[str, Any], list[str]]:
    """The request to pass on, without its model, and the fields that were left out; raises `Refused`."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the body is not valid JSON ({error}).") from error
    if not isinstance(given, dict):
        raise Refused("the body must be a JSON object.")
    if given.get("model") != name:
        raise Refused(f"there is one model here, '{name}' (see /v1/models).", 404)
    messages = [_message(one, limits) for one in _messages(given)]
    if messages[0]["role"] == "system" and not limits.takes_system:
        messages = with_system_in_first_turn(messages)
    passed: dict[str, Any] = {"messages": messages}
    for field, (least, most, kind) in NUMBERS.items():
        if given.get(field) is not None:
            passed[field] = _number(field, given[field], least, most, kind)
    passed["stream"] = given.get("stream") is True
    if stop := given.get("stop"):
        passed["stop"] = _stop(stop)
    _fit(passed, limits)
    return passed, sorted(given.keys() - passed.keys() - {"model", "stop"})


def sampled(passed: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The request as transformers needs it to sample: it takes a temperature and stays greedy with our folders."""
    if not passed.get("temperature"):
        return passed
    path = folder / "generation_config.json"
    settings = read_json(path) if path.exists() else {}
    settings |= {"do_sample": True, "max_new_tokens": passed["max_tokens"]}
    settings |= {key: passed[key] for key in ("temperature", "top_p") if key in passed}
    return passed | {"generation_config": json.dumps(settings)}


def _messages(given: Mapping[str, object]) -> list[object]:
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages must be a list of at least one message.")
    if len(messages) > MOST_MESSAGES:
        raise Refused(f"messages has {len(messages)} entries; {MOST_MESSAGES} is the limit.", 413)
    return messages


def _message(one: object, limits: Limits) -> dict[str, str]:
    """Role and plain text; the parts of a text are joined, anything that is no text is refused."""
    if not isinstance(one, dict) or one.get("role") not in ROLES:
        raise Refused(f"every message needs a role, one of {', '.join(ROLES)}.")
    content = one.get("content")
    if isinstance(content, list):
        parts = [p.get("text") if isinstance(p, dict) and p.get("type") == "text" else None for p in content]
        content = "".join(parts) if all(isinstance(part, str) for part in parts) else None  # type: ignore[arg-type]
    if not isinstance(content, str):
        raise Refused("the content of a message must be text.")
    if len(content) > limits.context * CHARACTERS_PER_TOKEN:  # refused before it is counted
        raise Refused(f"a message has {len(content):,} characters, more than the model can read.", 413)
    return {"role": one["role"], "content": limits.defused(content)}


def _number(field: str, value: object, least: float, most: float, kind: type) -> float:
    right = int if kind is int else int | float
    if isinstance(value, bool) or not isinstance(value, right) or not least <= value <= most:
        raise Refused(f"{field} must be a number from {least} to {most}.")
    return value


def _stop(value: object) -> list[str]:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise Refused(f"stop must be a text, or a list of at most {MOST_STOPS}.")
    return stops


def _fit(passed: dict[str, Any], limits: Limits) -> None:
    """Set how long the answer may be; raises `Refused` where prompt and answer do not fit the context together."""
    tokens = sum(limits.count(message["content"]) + 8 for message in passed["messages"])  # 8: what templates add
    room = limits.context - tokens
    wanted = passed.pop("max_completion_tokens", None) or passed.pop("max_tokens", None)
    passed.pop("max_tokens", None)
    if room < 1 or (wanted or 1) > room:
        raise Refused(
            f"about {tokens:,} tokens of messages and {wanted or DEFAULT_TOKENS:,} of answer do not fit the model's "
            f"context of {limits.context:,}.",
            413,
        )
    passed["max_tokens"] = wanted or min(DEFAULT_TOKENS, room)
