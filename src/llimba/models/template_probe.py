"""Run as a program of its own, with little memory and time: render the chat template on standard input once.

Prints how many characters a short conversation becomes. It imports jinja2 and nothing else, so that its limits can be
low.
"""

import json
import resource
import sys

MEMORY, SECONDS = 512 * 2**20, 3  # of address space and of processor time


def main() -> None:
    """Read {"template", "special_tokens"} as JSON, print the length."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.parser import Parser
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """transformers' own tag, which changes nothing that is written."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)

    def refuse(message: str) -> None:
        raise ValueError(message)

    given = json.load(sys.stdin)
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **_: json.dumps(value)
    environment.globals |= {"raise_exception": refuse, "strftime_now": lambda _: "today"}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    rendered = environment.from_string(given["template"]).generate(
        messages=messages, add_generation_prompt=True, tools=None, documents=None, **given["special_tokens"]
    )
    length = 0
    for piece in rendered:
        length += len(piece)
        if length > given["limit"]:
            break
    print(length)


if __name__ == "__main__":
    main()
