"""The page in a real browser: two languages, light, dark and narrow, and nothing asked of anybody else."""

from pathlib import Path
from typing import Any

import pytest

from llimba.models.loading import LoadedModel
from llimba.use.web.page import title_of
from llimba.use.web.wording import wordings
from tests.use.models import listening_at
from tests.use.web.browser import chromium
from tests.use.web.conftest import asked_elsewhere, click, put, screenshot, text, until


def test_the_title_is_the_cards(tmp_path: Path) -> None:
    assert title_of(tmp_path) == tmp_path.name
    (tmp_path / "README.md").write_bytes(b"---\nlicense: mit\n---\n\n# a model \xff\n# another\n")
    assert title_of(tmp_path) == "a model \ufffd"


def test_it_opens_in_the_models_language_and_can_be_switched(browser: Any, url: str) -> None:
    sardinian, english = wordings()["sc"], wordings()["en"]
    until(lambda: text(browser, "#send") == sardinian["send"])
    assert text(browser, "h1") == "Tiny <b>"
    assert browser.execute_script("return document.documentElement.lang") == "sc"
    click(browser, "#interface input[value=en]")
    until(lambda: text(browser, "#send") == english["send"])
    page = text(browser, "body")
    for key in ("chat", "translation", "message", "stop", "restart", "settings", "caution"):
        assert english[key] in page, key
        assert sardinian[key] not in page, key
    assert browser.execute_script("return document.documentElement.lang") == "en"
    click(browser, "#interface input[value=sc]")
    until(lambda: text(browser, "#send") == sardinian["send"])
    assert asked_elsewhere(browser, url) == []
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize(("width", "dark"), [(1100, False), (1100, True), (420, False)])
def test_it_fits_the_window_light_and_dark(width: int, dark: bool, url: str, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile", width=width, dark=dark) as driver:
        driver.get(url)
        until(lambda: text(driver, "#send"))
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, background[background.index("(") + 1 : -1].split(",")[:3])) < 380) == dark, background
        assert screenshot(driver, tmp_path / "page.png") > 20
        font = driver.execute_script("return getComputedStyle(document.querySelector('#send')).fontFamily")
        assert font.startswith("system-ui")


def test_a_password_opens_the_page_and_everything_on_it(model: LoadedModel, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from llimba.use.web.application import application

    token = "a-token-of-this-test"
    with (
        listening_at(application(model, token=token, title="Tiny", max_new_tokens=8)) as port,
        chromium(tmp_path / "profile") as driver,
    ):
        address = f"http://127.0.0.1:{port}/"
        driver.get(address)
        assert "send" not in driver.page_source, "nothing of the page is there without it"
        driver.get(address.replace("http://", f"http://anybody:{token}@"))  # as if typed when the browser asked
        driver.get(address)
        until(lambda: text(driver, "#send"))
        put(driver, "#question textarea", "Salude")
        click(driver, "#send")
        until(lambda: text(driver, "#line"))
