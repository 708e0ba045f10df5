"""Text out of HTML, EPUB, PDF and Markdown. Run as a program it serves one request a line, so that it can be killed.

trafilatura finds the main text of a page, `epub`, `pdf` and `markdown` read the others. All three have been
made to hang or to eat the memory by files; `isolated` therefore runs this in a process with limits.
"""

import base64
import json
import os
import resource
import sys
from dataclasses import asdict
from typing import Any

from llimba.stages.sources.epub import epub
from llimba.stages.sources.extracted import Extracted, visible_in
from llimba.stages.sources.markdown import markdown
from llimba.stages.sources.pdf import pdf
from llimba.stages.sources.unsafe import Unsafe

MEMORY_BYTES = 4 * 2**30


def html(data: bytes, url: str = "") -> Extracted:
    """Main text and address (the page's own, or `url`) of an HTML page; empty where there is no prose."""
    import trafilatura

    # metadata is asked for where the address is not known: with both, trafilatura gives up pages whose own differs
    found: Any = trafilatura.bare_extraction(
        data, url=url or None, include_comments=False, include_tables=False, with_metadata=not url
    )
    visible = visible_in(data.decode("utf-8", "replace"))
    if found is None:
        return Extracted("", visible, url)
    return Extracted(found.text or "", visible, url or found.url or "")


def serve() -> None:
    """Answer {"kind", "data", "url", "keep"}, a line each, with the fields of `Extracted`, {"error"} or {"missing"}."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        data = base64.b64decode(request["data"])
        try:
            if request["kind"] == "html":
                found = html(data, request["url"])
            elif request["kind"] == "markdown":
                found = markdown(data.decode(), request["keep"])
            else:
                found = {"epub": epub, "pdf": pdf}[request["kind"]](data)
            answer: dict[str, str | int] = {**asdict(found), "text": found.text.encode("utf-8", "replace").decode()}
        except Unsafe as error:
            answer = {"error": str(error)}
        except ImportError as error:  # no fault of the file
            answer = {"missing": str(error)}
        except MemoryError:
            answer = {"error": "out of memory: the file asks for more than it may have"}
        except Exception as error:
            answer = {"error": f"broken file: {type(error).__name__}: {str(error)[:200]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
