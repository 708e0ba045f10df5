"""Where `serve` and `web` listen: on this machine, or beyond it with a flag and a token."""

import os

from llimba.errors import LlimbaError
from llimba.use.serving.admission import LOOPBACK, SHORTEST_TOKEN

TOKEN = "LLIMBA_TOKEN"


def token_for(command: str, host: str, public: bool, use: str) -> str | None:
    """The token to ask for, None where none is set; raises `LlimbaError` where `host` needs a flag or a token."""
    token = os.environ.get(TOKEN) or None
    if host not in LOOPBACK and not public:
        raise LlimbaError(f"{command} --host {host}: others could reach it. Say --public if that is meant.")
    if host not in LOOPBACK and (token is None or len(token) < SHORTEST_TOKEN):
        raise LlimbaError(
            f"{command} --host {host}: set a token of {SHORTEST_TOKEN} characters or more in the environment as "
            f"{TOKEN}; {use}."
        )
    return token


def shown_host(host: str) -> str:
    """The host as an address writes it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
