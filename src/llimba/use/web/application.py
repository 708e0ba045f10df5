"""The page as an ASGI application, ready for uvicorn: Gradio mounted at /, the door before it."""

from importlib.util import find_spec
from pathlib import Path

from llimba.errors import LlimbaError
from llimba.models.loading import LoadedModel
from llimba.use.web.door import Door
from llimba.use.web.page import STYLE, page, title_of

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
    return Door(app, token)
