"""A row of somebody's instruction or preference set becomes chat messages; the usual layouts are known.

`messages` (role, content); `conversations` (from, value: ShareGPT); `input`/`output` turns (Capybara);
`instruction`, `input`, `output` (Alpaca; Dolly says `context`); `prompt` with `completion`; `prompt`, `chosen`,
`rejected` (preference data of TRL and LLaMA-Factory, text or messages). Columns `system` and `history` (pairs of
question and answer) come before the turns; in a CSV turns may be written as JSON. What cannot be trained on as it is
meant is refused by name: images, tools, answers of weight 0 or labelled as bad, content that is no text.

A conversation is a system message (or none), then user and assistant in turns. What an assistant says before the first
user, and what a user says after the last answer, is trimmed; any other disorder is the row's fault.
"""

import json
from itertools import pairwise
from typing import Any, NamedTuple

from llimba.data_files.faults import shortened, shown
from llimba.manifest import Json
from llimba.stages.sources.cells import text_of
from llimba.stages.sources.unsafe import Unsafe

ROLES = {  # other names of the three
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "developer": "system",
}
PROMPTS, INPUTS = ("instruction", "prompt", "question"), ("input", "context")
ANSWERS, SYSTEMS = ("output", "completion", "response", "answer"), ("system", "system_prompt")
MEDIA = ("images", "image", "videos", "video", "audios", "audio")
LABELS, WEIGHTS = ("label", "kto_tag"), ("weight", "train", "training")
TOOLS = ("tool", "tools", "function", "function_call", "observation", "tool_call", "tool_response", "ipython")
Messages = list[dict[str, str]]


class Turns(NamedTuple):
    """What a row holds."""

    messages: Messages
    rejected: str = ""  # the worse last answer of preference data
    trimmed: tuple[str, ...] = ()  # what was left out at either end


def messages_of(row: Json, place: str) -> Turns:
    """The messages of a row; raises `Unsafe`, with `place` and the row's id, for what is no conversation."""
    where = f"{place} (id {shortened(str(row['id']))})" if row.get("id") is not None else place
    try:
        messages, rejected = _read(row)
    except Unsafe as error:
        reason, _, details = str(error).partition(": ")
        raise Unsafe(f"{reason}: {where}: {details}.") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise Unsafe(
            f"broken messages: {where}: a row's messages are broken ({type(error).__name__}: {error})."
        ) from error
    if not messages:
        if any(row.get(key) is not None for key in ("messages", "conversations", "conversation", "instruction")):
            raise Unsafe(f"empty conversation: {where}: the conversation has no turns.")
        columns = ", ".join(map(shortened, list(row)[:20]))
        raise Unsafe(
            f"no messages: {where}: no messages are found in a row with the columns {columns}. Known are "
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
                f"unknown roles: {where}: the roles must be system, user, assistant, and one is "
                f"{shown(message['role'])}."
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
    _check_row(row)
    messages, rejected = _layout(row)
    if not messages:
        return [], ""
    before = _history(row["history"]) if row.get("history") else []
    said = next((row[key] for key in SYSTEMS if row.get(key)), None)
    system = [_message("system", said)] if said is not None and messages[0]["role"] != "system" else []
    own = messages[:1] if before and messages[0]["role"] == "system" else []
    return [*system, *own, *before, *messages[len(own) :]], rejected


def _check_row(row: Json) -> None:
    """Raise for a row that is not what its turns alone would say."""
    if media := next((key for key in MEDIA if row.get(key)), ""):
        raise Unsafe(f"images or sound: column '{media}' holds what no text model reads")
    if row.get("tools") not in (None, "", "[]", "null") and row["tools"] != []:
        raise Unsafe("tools: the row offers tools, and calls of tools are not trained on")
    if label := next((key for key in LABELS if row.get(key) is False), ""):
        raise Unsafe(f"bad answer: '{label}' says that the answer is not wanted")


def _history(turns: Any) -> Messages:
    """Earlier turns: messages, or pairs of question and answer."""
    turns = _listed(turns)
    if isinstance(turns[0], dict):
        return _turns(turns, "user")
    sides = ("user", "assistant")
    return [_message(role, text) for pair in turns for role, text in zip(sides, pair, strict=True)]


def _layout(row: Json) -> tuple[Messages, str]:
    if row.get("chosen") is not None:
        before, chosen, rejected = (
            _asked(row),
            _turns(row["chosen"], "assistant"),
            _turns(row.get("rejected"), "assistant"),
        )
        if before and chosen[: len(before)] == before:  # the whole conversation stands in both
            chosen = chosen[len(before) :]
        return [*before, *chosen], (rejected[-1]["content"] if rejected else "")
    if listed := row.get("messages") or row.get("conversations") or row.get("conversation"):
        return _turns(listed, "user"), ""
    answers = [row[key] for key in ANSWERS if row.get(key) is not None]
    asked = _asked(row)
    if not answers or not (asked or any(row.get(key) is not None for key in PROMPTS)):
        return [], ""
    answer = next(filter(None, answers), "")
    return [*asked, *(_turns(answer, "assistant") or [_message("assistant", "")])], ""


def _asked(row: Json) -> Messages:
    """What comes before the answer: a question with what it is about, or earlier turns."""
    prompt = next((row[key] for key in PROMPTS if row.get(key)), None)
    about = next((row[key] for key in INPUTS if row.get(key)), None)
    if prompt is None:
        return _turns(about or row.get("conversations") or row.get("messages"), "user")
    if about is None or not isinstance(prompt, str):
        return _turns(prompt, "user")
    return [_message("user", f"{prompt}\n\n{text_of(about, 'input')}")]


def _turns(value: Any, role: str) -> Messages:
    """A text as one message, or messages as they are."""
    value = _listed(value)
    if not value and not isinstance(value, float):
        return []
    if not isinstance(value, list | dict):
        return [_message(role, value)]
    return [message for turn in (value if isinstance(value, list) else [value]) for message in _turn(turn)]


def _listed(value: Any) -> Any:
    """Turns that a CSV holds as JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("[{", "[[", '["')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _turn(turn: Json) -> Messages:
    """One turn (Capybara's are two); a call of a tool is a turn of the tool's."""
    if "input" in turn and "output" in turn:
        return [_message("user", turn["input"]), _message("assistant", turn["output"])]
    role = turn["from"] if "from" in turn else turn["role"]
    role = role.casefold() if isinstance(role, str) else role
    if turn.get("tool_calls") or turn.get("function_call"):
        role = "tool"
    elif media := next((key for key in MEDIA if turn.get(key)), ""):
        raise Unsafe(f"images or sound: a turn's '{media}' holds what no text model reads")
    if not isinstance(role, str):
        raise Unsafe(f"unknown roles: a role is {shown(role)}")
    message = _message(ROLES.get(role, role), turn["value"] if "value" in turn else turn["content"])
    for key in WEIGHTS:
        if message["role"] == "assistant" and turn.get(key) not in (None, 1, True):
            raise Unsafe(f"weights: '{key}' of an answer is {shown(turn[key])}, and every answer is trained on alike")
    return [message]


def _message(role: str, content: Any) -> dict[str, str]:
    """A turn; the texts of a list of parts are joined, null is empty."""
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    return {"role": role, "content": text_of(content, "content")}


def _part(part: Any) -> str:
    if isinstance(part, dict):
        kind = part.get("type", "text")
        if kind not in ("text", "input_text", "output_text"):
            raise Unsafe(f"images or sound: a turn has a part of type {shown(kind)}, which no text model reads")
        part = part["text"]
    return text_of(part, "content")
