"""Run as a program of its own with little memory and time: renders chat templates from standard input, a line each.

transformers itself renders, so that the bytes are its own. A request may take `SECONDS` of processor time, after which
the kernel ends the process. Once started it can open no file and no connection, in case a template leaves its sandbox.
"""

import json
import os
import resource
import signal
import sys
import time
from typing import Any

MEMORY, SECONDS = 512 * 2**20, 3  # of address space beyond what the program needs; of processor time for a request


def main() -> None:
    """Answer {"template", "messages", "variables", "opening", "marked", "limit"} with {"text", "marks"}.

    Or with {"refused"}: what the template says, or {"unsafe"}: what it used up.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for llimba; it closes our input when it ends
    from transformers.utils.chat_template_utils import render_jinja_template

    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for template in (
        "{% generation %}{{ messages | tojson }}{{ strftime_now('%d') }}{% endgeneration %}",
        "{{ 1 // 0 }}",
    ):
        answer(render_jinja_template, {**TRIED, "template": template})  # imports what is imported late
    _limit()
    answers.write("{}\n")  # ready
    answers.flush()
    for line in sys.stdin:
        given = json.loads(line)
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        seconds = int(time.process_time()) + 1 + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, most) if most > 0 else seconds, most))
        answers.write(json.dumps(answer(render_jinja_template, given)) + "\n")
        answers.flush()


TRIED = {"messages": [{"role": "user", "content": "a"}], "variables": {}, "opening": True, "marked": True, "limit": 99}


def answer(render: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What the program says to a request."""
    try:
        texts, marks = render(
            [given["messages"]],
            chat_template=given["template"],
            add_generation_prompt=given["opening"],
            return_assistant_tokens_mask=given["marked"],
            **given["variables"],
        )
    except (MemoryError, OverflowError, RecursionError) as error:
        return {"unsafe": f"uses up its memory or time ({type(error).__name__})"}
    except Exception as error:
        return {"refused": (str(error)[:1000] or type(error).__name__).splitlines()[0]}
    if len(texts[0]) > given["limit"]:
        return {"unsafe": f"makes more than {given['limit']:,} characters of {_told(given['messages'])}"}
    return {"text": texts[0], "marks": marks[0] if marks else []}


def _told(messages: list[dict[str, str]]) -> str:
    return f"{sum(len(message['content']) for message in messages):,}"


def _limit() -> None:
    with open("/proc/self/statm") as handle:
        used = int(handle.read().split()[0]) * resource.getpagesize()
    for what, most in (
        (resource.RLIMIT_AS, used + MEMORY),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
