"""A template that eats memory or time is refused before it is rendered here."""

from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.models.template import check_template
from tests.fakes import tiny_tokenizer


def test_ordinary_templates_pass() -> None:
    tokenizer = tiny_tokenizer()
    check_template(Path("m"), tokenizer)
    tokenizer.chat_template = (
        "{%- for m in messages %}{%- if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{%- else %}{{ m.content | trim }}{%- endif %}{%- endfor %}{{ eos_token }}"
    )
    check_template(Path("m"), tokenizer)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ 'a' * 300000000 }}", "uses up its memory or time"),
        ("{{ 'a' * 3000000000 }}", "uses up its memory or time"),
        ("{{ '%3000000000d' % 1 }}", "uses up its memory or time"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "uses up its memory or time",
        ),
        ("{% for i in range(99999) %}aaaaaa{% endfor %}", "makes more than 100,000 characters"),
        ("{{ messages[0].content.__class__.__mro__ }}", "cannot be rendered"),
        ("{% for %}", "cannot be rendered"),
    ],
)
def test_hostile_templates_are_refused(template: str, why: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(StageError, match=f"the chat template {why}"):
        check_template(Path("m"), tokenizer)


def test_no_template_is_no_model_to_talk_to() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(StageError, match="no chat template"):
        check_template(Path("m"), tokenizer)
