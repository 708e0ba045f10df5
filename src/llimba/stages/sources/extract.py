"""Text out of HTML, EPUB, PDF and Markdown. Run as a program it serves one request a line, so that it can be killed.

`main_text` reads pages with trafilatura; `epub`, `pdf`, `office` and `markdown` read the others. Their parsers have
been made to hang or to eat the memory by files; `isolated` therefore runs this in a process with limits.
"""

import base64
import json
import os
import resource
import sys
from dataclasses import asdict

from llimba.stages.sources.belied import belied
from llimba.stages.sources.epub import epub
from llimba.stages.sources.main_text import html
from llimba.stages.sources.markdown import markdown
from llimba.stages.sources.office import docx, odt, rtf
from llimba.stages.sources.pdf import pdf
from llimba.stages.sources.unsafe import Unsafe

BROKEN = "broken file"  # as errors begin of which `belied` may know more
MEMORY_BYTES = 4 * 2**30


READERS = {"epub": epub, "pdf": pdf, "docx": docx, "odt": odt, "rtf": rtf}


def serve() -> None:
    """Answer {"kind", "data", "url", "keep"}, a line each, with the fields of `Extracted`, {"error"} or {"missing"}."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        kind, data = request["kind"], base64.b64decode(request["data"])
        try:
            if kind == "html":
                found = html(data, request["url"])
            elif kind == "markdown":
                found = markdown(data.decode(), request["keep"])
            else:
                found = READERS[kind](data)
            text = found.text.encode("utf-8", "replace").decode().replace("\0", "")
            answer: dict[str, str | int] = {**asdict(found), "text": text}
        except Unsafe as error:
            answer = {"error": str(error)}
            if str(error).startswith(BROKEN):
                answer["error"] = belied(kind, data) or str(error)
        except ImportError as error:  # no fault of the file
            answer = {"missing": str(error)}
        except MemoryError:
            answer = {"error": "out of memory: the file asks for more than it may have"}
        except Exception as error:
            answer = {"error": belied(kind, data) or f"{BROKEN}: {type(error).__name__}: {str(error)[:200]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
