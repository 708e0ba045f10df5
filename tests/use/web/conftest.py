"""The page of a tiny model on a port of its own, and a browser that looks at it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llimba.languages.identify.identifier import Identifier
from llimba.models.loading import LoadedModel
from tests.fakes import SENTENCES
from tests.use.models import listening_at, opened
from tests.use.web.browser import chromium


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A tiny model with a Sardinian profile and an identifier of three languages."""
    texts = {code: [f"{line} {i}" for line in SENTENCES[code] for i in range(6)] for code in ("sc", "it", "es")}
    return opened(tmp_path_factory.mktemp("model"), identifier=Identifier.train(texts, "sc", 1))


@pytest.fixture(scope="module")
def url(model: LoadedModel) -> Iterator[str]:
    """The address of the page; skips where Gradio is not installed."""
    pytest.importorskip("gradio")
    from llimba.use.web.application import application

    with listening_at(application(model, token=None, title="Tiny <b>", max_new_tokens=1500)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Any]:
    """A headless chromium at the page; skips where there is none."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(url)
        until(lambda: driver.find_elements("css selector", "#question textarea"))
        yield driver


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until `what` is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def put(driver: Any, selector: str, text: str) -> None:
    """Put a text into a field at once, as pasting does."""
    field = driver.find_element("css selector", selector)
    driver.execute_script(
        "const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;"
        "set.call(arguments[0], arguments[1]); arguments[0].dispatchEvent(new Event('input', {bubbles: true}));",
        field,
        text,
    )


def click(driver: Any, selector: str) -> None:
    """Click what the selector finds, wherever on the page it is."""
    driver.execute_script("arguments[0].click()", driver.find_element("css selector", selector))


def text(driver: Any, selector: str) -> str:
    """The visible text of the first element that the selector finds, empty where there is none by now."""
    script = "const found = document.querySelector(arguments[0]); return found ? found.innerText : '';"
    return str(driver.execute_script(script, selector))


def value(driver: Any, selector: str) -> str:
    """What stands in a field."""
    return str(driver.find_element("css selector", selector).get_attribute("value"))


def tab(driver: Any, number: int) -> None:
    """Open the first (0) or second (1) tab."""
    shown = [one for one in driver.find_elements("css selector", "button[role=tab]") if one.is_displayed()]
    shown[number].click()


def generating() -> int:
    """How many answers are being made in this process."""
    return sum("(generate)" in thread.name for thread in threading.enumerate())


def asked_elsewhere(driver: Any, address: str) -> list[str]:
    """Every http address that the page asked for and that is not its own server's."""
    import json

    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    wanted = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [one for one in wanted if one.startswith(("http", "ws")) and not one.startswith(address)]


def screenshot(driver: Any, path: Path) -> int:
    """Take a screenshot; returns how many colours are in it."""
    from PIL import Image

    driver.save_screenshot(str(path))
    return len(Image.open(path).convert("RGB").getcolors(maxcolors=2**24) or [])
