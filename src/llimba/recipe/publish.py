"""What the finished folder is called, and under which licence."""

from llimba.recipe.section import Section


class PublishSection(Section):
    """The finished folder and its card."""

    title: str | None = None
    license: str | None = None  # default: the base model's
