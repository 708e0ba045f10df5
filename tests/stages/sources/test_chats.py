"""Exports of chats: messages alone, a document a day, nothing of who wrote them."""

from typing import Any

import pytest

from llimba.stages.sources.chats import chats_of, is_whatsapp, telegram, whatsapp
from tests.fakes import intake

ANDROID = """12/03/24, 21:14 - I messàgios sunt tzifrados.
12/03/24, 21:14 - Maria Puddu: Bonas tardas a totus!
Comente istades?
12/03/24, 21:15 - Bachis: <Media omessi>
12/03/24, 21:15 - Maria Puddu: Castia: https://example.org/x?a=1
13/03/24, 08:00 - Bachis: Bonu, @390701234567
13/03/24, 08:01 - Bachis: ok <Custu messàgiu est istadu cambiadu>
"""
IPHONE = """[12/03/24, 21:14:05] Sa bidda: \u200eI messàgios sunt tzifrados.
[12/03/24, 21:14:30] Maria: Bonas tardas a totus!
Comente istades?
\u200e[12/03/24, 21:15:00] Bachis: \u200eimmàgine non inclùdida
[13/03/24, 8:00:01\u202fAM] +39 070 123: Bonu: gràtzias
"""
PICTURES = """12/03/24, 21:14 - Maria: IMG-20240312-WA0001.jpg (file attached)
Custa est sa domo de jaja
12/03/24, 21:15 - Bachis: <Media omitted>
12/03/24, 21:15 - Bachis: <Media omitted>
Bella!
"""
GERMAN = "12.03.24, 21:14 - Maria: Bun di\n12.03.24, 21:15 - Gian: Co vai?\n"


def test_whatsapp() -> None:
    reading = intake()
    assert list(whatsapp(ANDROID, reading)) == [
        ("1", "Bonas tardas a totus!\nComente istades?\nCastia:"),
        ("6", "Bonu,\nok"),
    ]
    assert reading.skipped == {"chat: lines of the system, and media": 2}
    assert list(whatsapp(IPHONE, intake())) == [
        ("1", "Bonas tardas a totus!\nComente istades?"),
        ("5", "Bonu: gràtzias"),
    ]
    assert list(whatsapp(GERMAN, intake())) == [("1", "Bun di\nCo vai?")]


def test_what_is_written_below_a_picture_stays() -> None:
    reading = intake()
    assert list(whatsapp(PICTURES, reading)) == [("1", "Custa est sa domo de jaja\nBella!")]
    assert reading.skipped == {"chat: lines of the system, and media": 1}


@pytest.mark.parametrize("text", [ANDROID, IPHONE, GERMAN])
def test_an_export_is_recognised(text: str) -> None:
    assert is_whatsapp(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Su sole essit.\n12/03/24, 21:14 - Maria: a",
        "12/03/24, 21:14 - Maria: a\n" + "Su sole essit.\n" * 20,
        "12:30\n",
    ],
)
def test_prose_is_none(text: str) -> None:
    assert not is_whatsapp(text)


def message(number: int, text: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "message", "date": "2024-03-12T21:14:00", "from": "Maria", "text": text} | more


def test_telegram() -> None:
    chat = {
        "name": "Sa bidda", "type": "private_group", "id": 7,
        "messages": [
            message(1, "", type="service"),
            message(2, "Bonas tardas!"),
            message(3, ["Castia ", {"type": "bold", "text": "inoghe"}, {"type": "link", "text": "https://x"}]),
            message(4, {"a": 1}),
            message(5, "", photo="a.jpg"),
            message(6, "Cras", date="2024-03-13T08:00:00"),
        ],
    }  # fmt: skip
    reading = intake()
    assert chats_of(chat) == [chat] == chats_of({"chats": {"list": [chat]}, "about": "x"})
    assert list(telegram(chat, "a.json", reading)) == [("7/2", "Bonas tardas!\nCastia inoghe"), ("7/6", "Cras")]
    assert reading.quarantined == {"not text": 1}
    assert chats_of({"messages": [{"role": "user", "content": "a"}]}) == []
