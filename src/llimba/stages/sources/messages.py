"""A row of somebody's instruction or preference set becomes chat messages; the usual layouts are known.

`messages` (role, content); `conversations` (from, value: ShareGPT); `input`/`output` turns (Capybara);
`instruction`, `input`, `output` (Alpaca); `prompt` with `completion`; `prompt`, `chosen`, `rejected` (TRL's preference
layouts, text or messages). Columns `system` and `history` (pairs of question and answer) come before the turns.

A conversation is a system message (or none), then user and assistant in turns. What an assistant says before the first
user, and what a user says after the last answer, is trimmed; any other disorder is the row's fault.
"""

from itertools import pairwise
from typing import Any, NamedTuple

from llimba.manifest import Json
from llimba.stages.sources.unsafe import Unsafe

ROLES = {"human": "user", "gpt": "assistant"}  # ShareGPT's names
TOOLS = ("tool", "tools", "function", "function_call", "observation", "tool_call", "tool_response", "ipython")
Messages = list[dict[str, str]]


class Turns(NamedTuple):
    """What a row holds."""

    messages: Messages
    rejected: str = ""  # the worse last answer of preference data
    trimmed: tuple[str, ...] = ()  # what was left out at either end


def messages_of(row: Json, place: str) -> Turns:
    """The messages of a row; raises `Unsafe`, with `place` and the row's id, for what is no conversation."""
    where = f"{place} (id {row['id']})" if row.get("id") is not None else place
    try:
        messages, rejected = _read(row)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise Unsafe(
            f"broken messages: {where}: a row's messages are broken ({type(error).__name__}: {error})."
        ) from error
    if not messages:
        if any(row.get(key) is not None for key in ("messages", "conversations", "conversation", "instruction")):
            raise Unsafe(f"empty conversation: {where}: the conversation has no turns.")
        raise Unsafe(
            f"no messages: {where}: no messages are found in a row with the columns {', '.join(row)}. Known are "
            "messages; conversations; instruction and output; prompt and completion; prompt, chosen and rejected."
        )
    _check_roles(messages, where)
    kept, trimmed = _trimmed(messages)
    if rejected and messages[-1]["role"] != "assistant":
        raise Unsafe(f"no answer: {where}: the chosen answer's last turn is the user's.")
    _check_turns(kept, where)
    return Turns(kept, rejected, trimmed)


def _check_roles(messages: Messages, where: str) -> None:
    for message in messages:
        if message["role"] in TOOLS:
            raise Unsafe(f"tools: {where}: a turn calls a tool or is a tool's ({message['role']}).")
        if message["role"] not in ("system", "user", "assistant"):
            raise Unsafe(
                f"unknown roles: {where}: the roles must be system, user, assistant, and one is {message['role']!r}."
            )


def _trimmed(messages: Messages) -> tuple[Messages, tuple[str, ...]]:
    """From the first user turn to the last answer, after the system message; and what that left out."""
    system = messages[:1] if messages[0]["role"] == "system" else []
    turns, trimmed = messages[len(system) :], []
    if system and not system[0]["content"].strip():
        system = []
    first = next((place for place, turn in enumerate(turns) if turn["role"] == "user"), len(turns))
    if 0 < first < len(turns) and all(turn["role"] == "assistant" for turn in turns[:first]):
        turns = turns[first:]
        trimmed.append("assistant before the first user")
    last = next((place for place in range(len(turns), 0, -1) if turns[place - 1]["role"] == "assistant"), 0)
    if 0 < last < len(turns) and all(turn["role"] == "user" for turn in turns[last:]):
        turns = turns[:last]
        trimmed.append("user after the last answer")
    return [*system, *turns], tuple(trimmed)


def _check_turns(messages: Messages, where: str) -> None:
    turns = messages[1:] if messages[0]["role"] == "system" else messages
    if not any(turn["role"] == "assistant" for turn in turns):
        raise Unsafe(f"no assistant: {where}: the roles must be user and assistant in turns, and nobody answers.")
    if turns[0]["role"] != "user":
        raise Unsafe(f"no user: {where}: the roles must be user and assistant in turns, and nobody asks.")
    for before, after in pairwise(turns):
        if after["role"] == "system":
            raise Unsafe(f"late system message: {where}: a system message stands after the first turn.")
        if before["role"] == after["role"]:
            raise Unsafe(f"turns that do not alternate: {where}: two turns of the {after['role']} follow one another.")
    for turn in turns:
        if not turn["content"].strip():
            what = "answer" if turn["role"] == "assistant" else "question"
            raise Unsafe(f"empty {what}: {where}: a turn of the {turn['role']} is empty.")


def _read(row: Json) -> tuple[Messages, str]:
    messages, rejected = _layout(row)
    if not messages:
        return [], ""
    before = _history(row["history"]) if row.get("history") else []
    system = [_message("system", row["system"])] if row.get("system") and messages[0]["role"] != "system" else []
    own = messages[:1] if before and messages[0]["role"] == "system" else []
    return [*system, *own, *before, *messages[len(own) :]], rejected


def _history(turns: Any) -> Messages:
    """Earlier turns: messages, or pairs of question and answer."""
    if isinstance(turns[0], dict):
        return _turns(turns, "user")
    sides = ("user", "assistant")
    return [_message(role, text) for pair in turns for role, text in zip(sides, pair, strict=True)]


def _layout(row: Json) -> tuple[Messages, str]:
    if row.get("chosen") is not None:
        before, chosen, rejected = (_turns(row.get(key), role) for key, role in _PREFERENCE)
        if before and chosen[: len(before)] == before:  # the whole conversation stands in both
            chosen = chosen[len(before) :]
        return [*before, *chosen], (rejected[-1]["content"] if rejected else "")
    if row.get("messages"):
        return _turns(row["messages"], "user"), ""
    if isinstance(turns := row.get("conversations") or row.get("conversation"), list):
        if turns and "input" in turns[0]:
            pairs = [(("user", turn["input"]), ("assistant", turn["output"])) for turn in turns]
            return [_message(role, text) for pair in pairs for role, text in pair], ""
        return [_turn(turn["from"], turn, "value") for turn in turns], ""
    prompt = row.get("instruction") or row.get("prompt")
    answers = [row[key] for key in ("output", "completion", "response") if row.get(key) is not None]
    answer = next(filter(None, answers), "" if answers else None)
    if prompt is None or answer is None:
        return [], ""
    question = f"{prompt}\n\n{row['input']}" if row.get("input") else prompt
    return [*_turns(question, "user"), *(_turns(answer, "assistant") or [_message("assistant", "")])], ""


_PREFERENCE = (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant"))


def _turns(value: Any, role: str) -> Messages:
    """A text as one message, or messages as they are."""
    if not value:
        return []
    return [_message(role, value)] if isinstance(value, str) else [_turn(m["role"], m, "content") for m in value]


def _turn(role: str, turn: Json, text: str) -> dict[str, str]:
    """One turn; a call of a tool is a turn of the tool's."""
    called = turn.get("tool_calls") or turn.get("function_call")
    return _message("tool" if called else ROLES.get(role, role), turn[text])


def _message(role: str, content: Any) -> dict[str, str]:
    """A turn; the texts of a list of parts are joined, null is empty."""
    if isinstance(content, list):
        content = "".join(part if isinstance(part, str) else part["text"] for part in content)
    if not isinstance(content, str | int | float | None):
        raise TypeError(f"the content is a {type(content).__name__}")
    return {"role": role, "content": "" if content is None else str(content)}
