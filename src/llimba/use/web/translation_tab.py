"""The translation tab: from, to, a text, its translation line for line, and a glossary for those who have one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llimba.models.loading import LoadedModel
from llimba.use.web import answers
from llimba.use.web.wording import Labels, note

if TYPE_CHECKING:
    import gradio as gr


def translation_tab(opened: LoadedModel, labels: Labels, shown_in: "gr.Radio", max_new_tokens: int) -> None:
    """Lay the tab out and wire it; a model without a language profile gets a tab that says so."""
    import gradio as gr

    with labels.put(gr.Tab, {"label": "translation"}, id="translation"):
        if opened.language is None:
            labels.put(gr.HTML, {"value": "no_profile"})
            return
        known, own = opened.language.names, opened.language.code

        def named(code: str) -> list[tuple[str, str]]:
            return [(opened.name_of(one, code), one) for one in known]

        likely = (*opened.language.replay, *known)  # what its speakers speak besides, first
        other = next((one for one in likely if one in known and one != own), own)
        with gr.Row(elem_classes="direction"):
            choose = {"filterable": False, "min_width": 140}
            source = labels.put(
                gr.Dropdown, {"label": "from", "choices": named}, value=other, elem_id="source", **choose
            )
            swap = labels.put(gr.Button, {"value": "swap"}, elem_id="swap", scale=0, min_width=90)
            target = labels.put(gr.Dropdown, {"label": "to", "choices": named}, value=own, elem_id="target", **choose)
        with gr.Row(elem_classes="texts"):
            room = {"lines": 8, "max_lines": 20, "min_width": 260}
            text = labels.put(gr.Textbox, {"label": "text", "placeholder": "text_hint"}, elem_id="text", **room)
            result = labels.put(
                gr.Textbox, {"label": "result"}, elem_id="result", interactive=False, buttons=["copy"], **room
            )
        notes = gr.HTML(elem_id="notes")
        with gr.Row():
            start = labels.put(gr.Button, {"value": "translate"}, elem_id="translate", variant="primary")
            stop = labels.put(gr.Button, {"value": "stop"}, elem_id="stop-translation")
        with labels.put(gr.Accordion, {"label": "glossary"}, open=False, elem_id="glossary-room"):
            terms = {"show_label": False, "lines": 3, "max_lines": 10, "elem_id": "glossary"}
            glossary = labels.put(gr.Textbox, {"placeholder": "glossary_hint"}, **terms)
            force = labels.put(gr.Checkbox, {"label": "force"}, value=False, elem_id="force")

    def translate(
        typed: str | None, source: str, target: str, terms: str | None, force: bool, interface: str
    ) -> Iterator[tuple[str, str]]:
        parts = answers.translate(
            opened, typed or "", source=source, target=target, glossary=terms or "", force=force,
            max_new_tokens=max_new_tokens, interface=interface,
        )  # fmt: skip
        yield from ((part.text, note(part.line)) for part in parts)

    inputs, outputs = [text, source, target, glossary, force, shown_in], [result, notes]
    one_at_a_time = {"concurrency_id": "model", "concurrency_limit": 1, "api_visibility": "private"}
    translating = start.click(translate, inputs, outputs, show_progress_on=[result], **one_at_a_time)
    stop.click(None, cancels=[translating], api_visibility="private")
    swap.click(
        lambda one, other: (other, one), [source, target], [source, target],
        concurrency_limit=None, show_progress="hidden", api_visibility="private",
    )  # fmt: skip
