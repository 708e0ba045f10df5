"""docs/on-a-gpu.md names commands, options, extras and files that exist."""

import re
import tomllib

import click
import typer

from llimba import cli
from llimba.training.optimizer import LIBRARIES
from tests import ROOT

TEXT = (ROOT / "docs" / "on-a-gpu.md").read_text()


def test_every_command_and_option_exists() -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    lines = re.findall(r"llimba ([a-z]+)((?: [a-z]+)?) (recipes/\S+)([^#\n]*)", TEXT)
    assert {command for command, *_ in lines} >= {"plan", "run", "corpus", "compare", "chat", "push"}
    for command, sub, recipe, rest in lines:
        found = group.commands[command]  # type: ignore[attr-defined]
        found = found.commands[sub.strip()] if sub else found
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", rest)) <= known, f"{command}: {rest}"
        assert (ROOT / recipe).exists()


def test_the_extra_holds_what_the_optimizers_ask_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert sorted(extras["gpu"]) == sorted(library.requirement for library in LIBRARIES.values())
    assert "'.[gpu]'" in TEXT
