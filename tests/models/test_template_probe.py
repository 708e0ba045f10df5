"""The probe is a program of its own: it needs nothing but jinja2, and says a length."""

import json
import subprocess
import sys

from llimba.models.template import PROBE


def test_it_says_how_long_a_conversation_becomes() -> None:
    given = json.dumps({"template": "{{ messages[0].content }}{{ eos }}", "special_tokens": {"eos": "xy"}, "limit": 9})
    done = subprocess.run([sys.executable, str(PROBE)], input=given, capture_output=True, text=True)
    assert done.stdout.strip() == "3", done.stderr
