"""What a recipe may ask a registry for: the name of a package and one version, by the registry's own rules.

pip, npm and apt-get take paths, addresses, repositories and options where they take a name, and a package from such a
place can run code of its own while it is fetched. `packaging` knows Python's rules; npm's (validate-npm-package-name,
npm-package-arg) and Debian's (policy 5.6.1, 5.6.12) are a line each.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from llimba.data_files.faults import shortened

Client = Literal["pip", "npm", "apt"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

LONGEST = 250  # characters: a name becomes that of a folder
VERSION = r"\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"  # semver, or the beginning of one
NPM_PART = r"[A-Za-z0-9~][A-Za-z0-9._~-]*"
NPM = re.compile(rf"(?:@{NPM_PART}/)?({NPM_PART})(?:@{VERSION})?")
NPM_FILE = re.compile(r"\.(?:tgz|tar\.gz|tar)$", re.IGNORECASE)  # npm takes such a name for that of a file
DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9][a-z0-9-]*)?(?:=[0-9][A-Za-z0-9.+:~-]*)?")


def fault_of(client: Client, package: str) -> str | None:
    """What is wrong with a package as it is asked for; None where the registry's rules allow it."""
    allowed, example = RULES[client]
    if len(package) <= LONGEST and allowed(package):
        return None
    return (
        f"'{shortened(package)}' is no package that {client} may be asked for here: name one of its registry and its "
        f"version ({example}), no path, address, option or range"
    )


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with a glob that is to be looked for inside of an unpacked package; None where it stays inside."""
    path = PurePosixPath(pattern)
    if path.parts and "\0" not in pattern and not path.is_absolute() and ".." not in path.parts:
        return None
    return f"'{shortened(pattern)}' must be a path inside the package: relative, and without '..'"


def _pip(package: str) -> bool:
    """PEP 508: a name and `==` one version, nothing else."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        asked = Requirement(package)
    except InvalidRequirement:
        return False
    if asked.url or asked.extras or asked.marker or len(asked.specifier) != 1 or not package[:1].isalnum():
        return False
    (version,) = asked.specifier
    return version.operator == "==" and "*" not in version.version and package.isprintable() and "/" not in package


def _npm(package: str) -> bool:
    matched = NPM.fullmatch(package)
    return matched is not None and not NPM_FILE.search(matched[1])


RULES: dict[Client, tuple[Callable[[str], bool], str]] = {
    "pip": (_pip, "name==1.0"),
    "npm": (_npm, "name@1.0.0 or @scope/name@1.0.0"),
    "apt": (lambda package: DEBIAN.fullmatch(package) is not None, "name or name=1.0-1"),
}
