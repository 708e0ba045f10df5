"""Exports of chats: WhatsApp's text and Telegram's JSON become a document a day, messages alone.

Names, numbers and times are left out, since they are no text and somebody's own; so are the lines of the system itself
and what stands for pictures. whatstk reads WhatsApp's exports, but is under the GPL; chat-miner makes tables of times
and authors and knows no line of the system.
"""

import re
from collections.abc import Iterator

from llimba.manifest import Json
from llimba.stages.sources.cells import text_of
from llimba.stages.sources.intake import Intake
from llimba.stages.sources.unsafe import Unsafe

MARKS = "\u200e\u200f\u202a\u202c\ufeff"  # of direction, which the exports hold
DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?,?"
CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[\s\u202f]?[^\W\d_]\.?[\s\u202f]?[^\W\d_]\.?)?"
STAMP = re.compile(rf"[{MARKS}]*(?:\[({DATE})[\s\u202f]{CLOCK}\]\s|({DATE})[\s\u202f]{CLOCK}\s[-–]\s)")
SENDER = re.compile(r"[^:\n]{1,80}?:\s")
# <Media omitted>, or IMG-20240312-WA0001.jpg (file attached), in any language; a caption may follow on the next line
PLACEHOLDER = re.compile(r"<[^<>]*>|[\w-]+-WA\d+\.\w+ \([^()]*\)")
ADDRESS = re.compile(r"https?://\S+|@[\u2068]?\+?\d{6,}[\u2069]?")
EDITED = re.compile(r"\s*[\u200e]?<[^<>]*>\s*$")
LOOKED_AT = 50  # lines that say whether a text is a chat
TELEGRAM_DROPPED = {"link", "mention", "mention_name", "phone", "email", "bot_command", "bank_card", "custom_emoji"}
Day = tuple[str, str]  # its place, its text


def is_whatsapp(text: str) -> bool:
    """Whether a text is an export: it begins with a stamp, and has more stamps than prose ever would."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:LOOKED_AT] if line.strip()]
    stamped = [bool(STAMP.match(line)) for line in lines]
    return bool(stamped) and stamped[0] and sum(stamped) >= max(2, len(stamped) / 4)


def whatsapp(text: str, intake: Intake) -> Iterator[Day]:
    """The days of an export; lines without a stamp belong to the message above."""
    messages: list[tuple[str, str]] = []  # day, text
    days: list[tuple[int, str]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if stamp := STAMP.match(line):
            messages.append((stamp[1] or stamp[2], line[stamp.end() :]))
            days.append((number, stamp[1] or stamp[2]))
        elif messages:
            day, said = messages[-1]
            messages[-1] = (day, f"{said}\n{line}")
    held: list[str] = []
    began = 1
    for place, ((number, day), (_, said)) in enumerate(zip(days, messages, strict=True)):
        if place and day != days[place - 1][1]:
            if held:
                yield str(began), "\n".join(held)
            held, began = [], number
        sender = SENDER.match(said)
        own = "\n".join(line for line in said[sender.end() :].split("\n") if not _media(line)) if sender else ""
        plain = EDITED.sub("", ADDRESS.sub("", own))
        if not own and said:
            intake.skip("chat: lines of the system, and media")
        elif plain.strip(MARKS + " \n"):
            held.append(plain.strip(MARKS + " \n"))
        else:
            intake.skip("chat: messages without text")
    if held:
        yield str(began), "\n".join(held)


def _media(line: str) -> bool:
    """Whether a line is no message: it has the mark of the system's own, or is there for a picture."""
    return line.startswith("\u200e") or bool(PLACEHOLDER.fullmatch(line.strip(MARKS + " ")))


def chats_of(export: Json) -> list[Json]:
    """The chats of Telegram's result.json, of one chat or of all; empty where it is something else."""
    listed = export.get("chats")
    several = listed.get("list") if isinstance(listed, dict) else None
    found = several if isinstance(several, list) else [export]
    return [
        chat
        for chat in found
        if isinstance(chat, dict) and isinstance(chat.get("messages"), list) and {"type", "id"} <= chat.keys()
        and all(isinstance(message, dict) and {"type", "date"} <= message.keys() for message in chat["messages"][:5])
    ]  # fmt: skip


def telegram(chat: Json, path: object, intake: Intake) -> Iterator[Day]:
    """The days of one chat of an export."""
    held: list[str] = []
    began, today = "", ""
    for message in chat["messages"]:
        try:
            if not isinstance(message, dict) or message.get("type") != "message":
                intake.skip("chat: lines of the system, and media")
                continue
            day, said = text_of(message.get("date"), "date")[:10], _said(message.get("text"))
        except Unsafe as error:
            intake.quarantine(str(path), f"message {message.get('id')}", str(error))
            continue
        if not said.strip():
            intake.skip("chat: messages without text")
            continue
        if held and day != today:
            yield f"{chat['id']}/{began}", "\n".join(held)
            held = []
        began, today = (began if held else str(message.get("id"))), day
        held.append(said.strip())
    if held:
        yield f"{chat['id']}/{began}", "\n".join(held)


def _said(text: object) -> str:
    """The text of a message: plain, or in parts of which some are addresses."""
    if not isinstance(text, list):
        return ADDRESS.sub("", text_of(text, "text"))
    parts = []
    for part in text:
        if isinstance(part, dict):
            part = "" if part.get("type") in TELEGRAM_DROPPED else part.get("text")
        parts.append(text_of(part, "text"))
    return "".join(parts)
