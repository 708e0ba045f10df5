"""The page: a head with the switch of languages, and two tabs, chat and translation, made with Gradio."""

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.models.loading import LoadedModel
from llimba.use.web.wording import Labels, first_language, wordings

if TYPE_CHECKING:
    import gradio as gr

STYLE = Path(__file__).parent / "page.css"
WAITING = 16  # questions; more are told to come back
SET_LANGUAGE = "(code) => { document.documentElement.lang = code; return code; }"


def title_of(folder: Path) -> str:
    """The first heading of the model's card, else the folder's name."""
    card = folder / "README.md"
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines() if card.exists() else []
    return next((line[2:].strip() for line in lines if line.startswith("# ")), folder.resolve().name)


def page(opened: LoadedModel, *, title: str, max_new_tokens: int, interface: str | None = None) -> "gr.Blocks":
    """A `gradio.Blocks` for one model; nothing of it asks the network for anything."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    import gradio as gr

    from llimba.use.web.chat_tab import chat_tab
    from llimba.use.web.translation_tab import translation_tab

    code = interface or first_language(opened.language)
    labels = Labels(code)
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as blocks:
        with gr.Row(elem_classes="head"):
            gr.HTML(f"<h1>{html.escape(title)}</h1>", elem_classes="title")
            called = [(words["called"], code) for code, words in wordings().items()]
            options = {"show_label": False, "container": False, "scale": 0, "min_width": 230}
            shown_in = gr.Radio(called, value=code, elem_id="interface", **options)
        with gr.Tabs():
            chat_tab(opened, labels, shown_in, max_new_tokens)
            translation_tab(opened, labels, shown_in, max_new_tokens)
        labels.put(gr.HTML, {"value": "caution"}, elem_classes="caution")

        def reword(code: str) -> list[object]:
            return [gr.update(**properties) for properties in labels.said_in(code)]

        at_once = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}
        shown_in.change(reword, shown_in, labels.components, js=SET_LANGUAGE, **at_once)
        blocks.load(None, shown_in, None, js=SET_LANGUAGE)
    return blocks.queue(max_size=WAITING, api_open=False)
