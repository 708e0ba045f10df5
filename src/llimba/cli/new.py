"""`llimba new`: the next language, as a profile and a recipe to finish."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from llimba.cli.app import app, say, stdout
from llimba.errors import RecipeError
from llimba.files import replacing
from llimba.languages.next_language.facts import ENGLISH, facts, name, own_name
from llimba.languages.next_language.profile import checklist, profile_text
from llimba.languages.next_language.recipe import recipe_text
from llimba.languages.profile import PROFILES


@app.command(epilog="Example: llimba new fur --folder friulian")
def new(
    code: Annotated[str, typer.Argument(help="The language: its ISO 639 code or English name, e.g. fur.")],
    folder: Annotated[Path, typer.Option(help="Where the two files go.")] = Path("."),
) -> None:
    """Write a profile and a first recipe for a language: what is known of it, and what a speaker must do."""
    known = facts(code)
    shipped = PROFILES / f"{known.iso639_3}.yaml"
    profile, recipe = folder / f"{known.code}-profile.yaml", folder / f"{known.code}.yaml"
    if there := [path for path in (profile, recipe) if path.exists()]:
        raise RecipeError(f"new {code}: {there[0]} already exists. Move it away, or name another --folder.")
    with replacing(profile) as handle:
        handle.write(shipped.read_text(encoding="utf-8") if shipped.exists() else profile_text(known))
    with replacing(recipe) as handle:
        handle.write(recipe_text(known, file=str(recipe), language=f"./{profile.name}", texts="texts"))

    stdout.print(Text.assemble((name(known.code, ENGLISH), "bold"), f" ({own_name(known.code)})"), soft_wrap=True)
    elsewhere = f"FLORES {known.flores or 'none'}; Wikipedia {known.wikipedia or 'none'}"
    for label, value in (
        ("codes", f"{known.code}, {known.iso639_3}; {elsewhere}"),
        ("script", f"{known.script}; letters {known.letters or 'not known'}"),
        ("neighbours", ", ".join(name(other, ENGLISH) for other in known.neighbours) or "none known"),
    ):
        say(f"  {label:<11} {value}")
    for number, entry in enumerate(known.replay):
        say(f"  {'' if number else 'replay':<11} {entry.reason}")
    source = f"a copy of the profile that llimba ships ({shipped.name})" if shipped.exists() else "new"
    say(f"\nprofile  {profile} ({source})\nrecipe   {recipe}\n")
    stdout.print("A speaker must look at:")
    for line in checklist(known):
        say(f"  [ ] {line}")
    texts = folder / "texts"
    say(
        f"\nThen put your text into {texts / known.code}.txt and {texts / known.replay[0].code}.txt, line by line "
        f"translations of each other, and run:\n  llimba plan {recipe}\n  llimba run {recipe}"
    )
