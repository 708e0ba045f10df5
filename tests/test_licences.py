"""What llimba requires, and what that requires, may be used by anybody: no GPL or AGPL without an alternative."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import ROOT


def required(asked: Iterable[str]) -> dict[str, Distribution]:
    """Every installed package that these requirements lead to, by its name."""
    found: dict[str, Distribution] = {}
    left = [Requirement(one) for one in asked]
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # for another system, or another Python
            continue
        for text in found[name].requires or []:
            inner = Requirement(text)
            extras = ["", *one.extras]
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(inner)
    return found


def licence(package: Distribution) -> str:
    """What a package says of itself: an SPDX expression, else its classifiers, else words."""
    about = package.metadata
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    said = about.get("License-Expression") or " OR ".join(line.rpartition(":: ")[2] for line in classifiers)
    files = [file for file in package.files or [] if file.name.upper().startswith(("LICENSE", "COPYING"))]
    said = said or about.get("License") or "".join(file.read_text() for file in files[:1])
    return str(said).strip()[:200]


def asks_for_the_same(said: str) -> bool:
    """Whether every alternative of a licence is a GPL or AGPL; an LGPL is not, for a library that is imported."""
    strong = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)
    return all(strong.search(one) for one in re.split(r"\bOR\b|;", said)) if said else False


@pytest.mark.parametrize(
    ("said", "strong"),
    [
        ("MIT", False), ("GPL-3.0-only", True), ("AGPL-3.0-or-later", True), ("LGPL-2.1-or-later", False),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", False), ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", False), ("GPL-2.0 OR AGPL-3.0", True),
        ("GNU Affero General Public License v3", True),
    ],
)  # fmt: skip
def test_what_counts(said: str, strong: bool) -> None:
    assert asks_for_the_same(said) is strong


def test_no_required_package_asks_for_the_gpl() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {name: licence(package) for name, package in required(project["dependencies"]).items()}
    assert len(found) > 50
    assert not {name: said for name, said in found.items() if not said}, "packages that say nothing of their licence"
    assert not {name: said for name, said in found.items() if asks_for_the_same(said)}
