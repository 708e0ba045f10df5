"""The page as an ASGI application, ready for uvicorn: Gradio mounted at /, the door before it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import LlimbaError
from llimba.models.loading import LoadedModel
from llimba.use.web.door import Door, Value
from llimba.use.web.page import STYLE, page, title_of

if TYPE_CHECKING:
    import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]  # none is fetched
FIXED = ["ui-monospace", "Consolas", "monospace"]


def check_installed() -> None:
    """Raise `LlimbaError` where what the page needs is not installed."""
    if missing := [name for name in ("gradio", "fastapi", "uvicorn") if not find_spec(name)]:
        raise LlimbaError(f"web: {', '.join(missing)} is missing. Install it: pip install 'llimba[web]'.")


def application(
    opened: LoadedModel,
    *,
    token: str | None,
    title: str | None = None,
    max_new_tokens: int = 256,
    interface: str | None = None,
) -> Door:
    """The page for an opened model; `title` None: from its card."""
    check_installed()
    # before gradio is imported here: it turns gradio's analytics off
    title = title or title_of(opened.folder)
    blocks = page(opened, title=title, max_new_tokens=max_new_tokens, interface=interface)
    import fastapi
    import gradio as gr

    app = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None, docs_url=None, redoc_url=None),
        blocks,
        path="/",
        theme=gr.themes.Default(font=FONTS, font_mono=FIXED, primary_hue="teal", neutral_hue="stone"),
        css_paths=[Path(STYLE)],
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size=0,
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
    )
    return Door(app, token, lambda number, data: takes(blocks, number, data))


def takes(blocks: "gr.Blocks", number: int, data: Sequence[Value]) -> bool:
    """Whether the page's function of this number can be asked with these values, by its components' own judgement."""
    import gradio as gr

    asked = blocks.fns.get(number)
    if asked is None or asked.fn is None or len(asked.inputs) != len(data):
        return False
    for component, value in zip(asked.inputs, data, strict=True):
        if isinstance(component, gr.State):  # the server's, not the visitor's
            continue
        try:
            component.preprocess(value)
        except Exception:  # whatever it raises, Gradio would print it later
            return False
    return True
