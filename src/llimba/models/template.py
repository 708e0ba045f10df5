"""Whether a chat template is safe to render: a model folder may come from anybody.

transformers renders in a sandbox without access to the machine, but a sandbox does not stop
`{{ 'a' * 300000000 }}`. So the template is rendered once in a process of its own that may use little memory and time.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBE = Path(__file__).parent / "template_probe.py"
LONGEST = 100_000  # characters that three words may become
SECONDS = 30


def check_template(folder: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `StageError` where the folder's model has no chat template, or one that eats memory or time."""
    template = tokenizer.chat_template
    if not isinstance(template, str):
        raise StageError(f"{folder}: the tokenizer has no chat template, so it is no model to talk to.")
    special = {key: value for key, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}
    given = json.dumps({"template": template, "special_tokens": special, "limit": LONGEST})
    try:
        done = subprocess.run(
            [sys.executable, str(PROBE)], input=given, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _refused(folder, f"does not end within {SECONDS} s") from None
    if done.returncode == 0 and int(done.stdout) <= LONGEST:
        return
    if done.returncode == 0:
        raise _refused(folder, f"makes more than {LONGEST:,} characters of three words")
    last = (done.stderr.strip().splitlines() or ["no memory or time left"])[-1]
    if done.returncode < 0 or "MemoryError" in last or "OverflowError" in last:
        raise _refused(folder, f"uses up its memory or time ({last})")
    raise _refused(folder, f"cannot be rendered ({last})")


def _refused(folder: Path, why: str) -> StageError:
    return StageError(f"{folder}: the chat template {why}. Do not use this folder, or fix its chat_template.jinja.")
