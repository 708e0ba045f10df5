"""What the hub says of access, asked of a small hub on loopback: gated, missing, a bad login, an error, silence.

huggingface_hub reads its address when it is imported, so every case is asked in one process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llimba.models.hub_access import client_needs
from llimba.recipe.needs import Needs
from tests.loopback_hub import GRANTED, OTHER, LoopbackHub

GATED, ERROR = "org/gated", "org/error"

ASK = """
import json, sys
from dataclasses import asdict
from llimba.models.hub_access import HubAccess
from llimba.recipe import ModelSection
from llimba.recipe.needs import Needs
needs = Needs()
hub = HubAccess(needs)
for case in json.loads(sys.argv[1]):
    if case[0] == "dataset":
        hub.dataset("sources.x.dataset", case[1], case[2], subsets=[], streamed=False)
    else:
        hub.model("base_model", ModelSection(name="m", license="mit", hub=case[1], revision=case[2]))
hub.close()
print(json.dumps([[asdict(need) for need in needs.found], [[s.what, s.bytes, s.sure] for s in needs.spaces]]))
"""


def ask(env: dict[str, str], *cases: tuple[str, str, str | None]) -> tuple[list[dict[str, Any]], list[Any]]:
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(cases)], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    needs, spaces = json.loads(done.stdout)
    return needs, spaces


def test_what_may_not_be_read_is_said_with_the_page_or_the_command(tmp_path: Path) -> None:
    with LoopbackHub() as hub:
        hub.add(f"datasets/{GATED}", {"train.jsonl": b"{}"}, gated=True)
        hub.add("datasets/org/open", {"data/train.jsonl": b"0" * 500})
        hub.add(f"datasets/{ERROR}", {"train.jsonl": b"{}"})
        hub.fail(f"api/datasets/{ERROR}", 503)
        hub.add("models/org/model", {"config.json": b"{}", "model.safetensors": b"0" * 1000})
        hub.add("models/org/bare", {"pytorch_model.bin": b"0"})
        cases = (
            ("dataset", GATED, None), ("dataset", GATED, None), ("dataset", "org/none", None), ("dataset", ERROR, None),
            ("dataset", "org/open", "v9"), ("dataset", "no id of a set", None), ("dataset", "org/open", None),
            ("model", "org/model", None), ("model", "org/bare", None),
        )  # fmt: skip
        needs, spaces = ask(hub.environment(tmp_path), *cases)
        said = [(need["lacks"], need["fix"], need["certain"]) for need in needs]
        page = f"{hub.url}/datasets"
        assert said == [
            (f"{GATED} is gated, and nobody is logged in",
             f"hf auth login, then ask for access on {page}/{GATED} (its owner may take days)", True),
            ("org/none: it is not there, or private, and nobody is logged in",
             f"correct the id, or hf auth login, then ask for access: {page}/org/none", True),
            (f"the hub answers 503 for {ERROR}", f"look at {page}/{ERROR}, and try again later", False),
            ("org/open has no revision v9", f"take one of {page}/org/open/commits/main", True),
            ("no id of a set is no id of the hub",
             "write it as OWNER/NAME; a local folder has a key of its own", True),
            ("org/bare has no weights in safetensors, the one format that llimba loads",
             "take a repository that has them, or convert it and give the folder: base_model.folder", True),
        ]  # fmt: skip
        assert sum(GATED in asked.path for asked in hub.asked) == 2, (
            "asked once: what it is, and whether it may be read"
        )
        assert spaces == [["data set org/open", 500.0, False], ["model org/model", 1002.0, True],
                          ["model org/bare", 0.0, True]]  # fmt: skip
        needs, _ = ask(hub.environment(tmp_path, OTHER), ("dataset", GATED, None))
        assert [need["lacks"] for need in needs] == [f"{GATED} is gated, and this login has no access"]
        assert ask(hub.environment(tmp_path, GRANTED), ("dataset", GATED, None))[0] == []
        hub.fail("api/", 401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
        needs, _ = ask(hub.environment(tmp_path, "hf_expired"), ("dataset", GATED, None))
        assert "the hub refuses this login" in needs[0]["lacks"] and needs[0]["certain"]


def test_a_silent_hub_and_one_that_may_not_be_asked_are_one_warning(tmp_path: Path) -> None:
    cases = (("dataset", GATED, None), ("model", "org/model", None))
    with LoopbackHub() as hub:
        pass  # nobody answers there any more
    needs, _ = ask(hub.environment(tmp_path), *cases)
    (need,) = needs
    assert need["lacks"].startswith("not asked (the hub does not answer, ConnectError): whether org/gated, org/model")
    assert not need["certain"]
    missing, unasked = ask(hub.environment(tmp_path, offline=True), *cases)[0]
    assert missing["certain"] and "org/model is not on this disk, and HF_HUB_OFFLINE forbids" in missing["lacks"]
    assert unasked["lacks"].startswith("not asked (HF_HUB_OFFLINE is set)")


def test_a_package_needs_its_client_unless_it_is_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLIMBA_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    needs = Needs()
    client_needs("sources.s.packages", "apt", "strings", needs)
    (need,) = needs.found
    assert need.lacks == "package strings needs apt-get, which is not here" and need.elsewhere
    assert need.fix.startswith("apt-get exists on Debian and Ubuntu only")
    (tmp_path / "packages" / "apt" / "strings").mkdir(parents=True)
    (tmp_path / "packages" / "apt" / "strings.json").write_text("{}")
    client_needs("sources.s.packages", "apt", "strings", again := Needs())
    assert not again.found
