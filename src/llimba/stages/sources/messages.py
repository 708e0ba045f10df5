"""A row of somebody's instruction or preference set becomes chat messages; the usual layouts are known.

`messages` (role, content); `conversations` (from, value: ShareGPT); `input`/`output` turns (Capybara);
`instruction`, `input`, `output` (Alpaca); `prompt` with `completion`; `prompt`, `chosen`, `rejected` (TRL's preference
layouts, text or messages).
"""

from typing import Any

from llimba.stages.sources.intake import Unsafe

ROLES = {"human": "user", "gpt": "assistant"}  # ShareGPT's names
Messages = list[dict[str, str]]


def messages_of(row: dict[str, Any], place: str) -> tuple[Messages, str]:
    """(messages, the rejected last answer or ""); raises `Unsafe` for a layout that is not known, with `place`."""
    try:
        messages, rejected = _read(row)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Unsafe(
            f"broken messages: {place}: a row's messages are broken ({type(error).__name__}: {error})."
        ) from error
    if not messages:
        raise Unsafe(
            f"no messages: {place}: no messages are found in a row with the columns {', '.join(row)}. Known are "
            "messages; conversations; instruction and output; prompt and completion; prompt, chosen and rejected."
        )
    if messages[-1]["role"] != "assistant" or any(m["role"] not in ("system", "user", "assistant") for m in messages):
        raise Unsafe(
            f"wrong roles: {place}: the roles must be system, user, assistant, and the last message the assistant's."
        )
    return messages, rejected


def _read(row: dict[str, Any]) -> tuple[Messages, str]:
    if row.get("chosen") is not None:
        before, chosen, rejected = (_turns(row.get(key), role) for key, role in _PREFERENCE)
        if before and chosen[: len(before)] == before:  # the whole conversation stands in both
            chosen = chosen[len(before) :]
        return [*before, *chosen], (rejected[-1]["content"] if rejected else "")
    if row.get("messages"):
        return _turns(row["messages"], "user"), ""
    if isinstance(turns := row.get("conversations") or row.get("conversation"), list):
        if "input" in turns[0]:
            pairs = [(("user", turn["input"]), ("assistant", turn["output"])) for turn in turns]
            return [_message(role, text) for pair in pairs for role, text in pair], ""
        return [_message(ROLES.get(turn["from"], turn["from"]), turn["value"]) for turn in turns], ""
    prompt = row.get("instruction") or row.get("prompt")
    answer = next((row[key] for key in ("output", "completion", "response") if row.get(key)), None)
    if prompt is None or answer is None:
        return [], ""
    question = f"{prompt}\n\n{row['input']}" if row.get("input") else prompt
    system = [_message("system", row["system"])] if row.get("system") else []
    return [*system, *_turns(question, "user"), *_turns(answer, "assistant")], ""


_PREFERENCE = (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant"))


def _turns(value: Any, role: str) -> Messages:
    """A text as one message, or messages as they are."""
    if not value:
        return []
    return [_message(role, value)] if isinstance(value, str) else [_message(m["role"], m["content"]) for m in value]


def _message(role: str, content: Any) -> dict[str, str]:
    return {"role": role, "content": str(content)}
