"""The chat tab: a conversation that streams, a line that names the language of the answer, settings."""

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llimba.models.encoding import Message
from llimba.models.loading import LoadedModel
from llimba.use.web import answers
from llimba.use.web.answers import Conversation
from llimba.use.web.wording import Labels, note

if TYPE_CHECKING:
    import gradio as gr


def chat_tab(opened: LoadedModel, labels: Labels, shown_in: "gr.Radio", max_new_tokens: int) -> None:
    """Lay the tab out and wire it; `shown_in` is the component that holds the page's language."""
    import gradio as gr

    with labels.put(gr.Tab, {"label": "chat"}, id="chat"):
        conversation = gr.State(Conversation())
        # text is shown as it is; a copy button would copy the HTML that shows it
        plain = {"render_markdown": False, "buttons": [], "feedback_options": None}
        look = {"height": "50vh", "min_height": 260, "layout": "bubble", **plain}
        talk = labels.put(gr.Chatbot, {"label": "conversation"}, elem_id="talk", **look)
        line = gr.HTML(elem_id="line")
        asking_for = {"label": "message", "placeholder": "message_hint"}
        question = labels.put(gr.Textbox, asking_for, elem_id="question", max_lines=8, autofocus=True)
        with gr.Row():
            send = labels.put(gr.Button, {"value": "send"}, elem_id="send", min_width=120, variant="primary")
            stop = labels.put(gr.Button, {"value": "stop"}, elem_id="stop", min_width=120)
            restart = labels.put(gr.Button, {"value": "restart"}, elem_id="restart", min_width=120)
        with labels.put(gr.Accordion, {"label": "settings"}, open=False, elem_id="settings"):
            told = {"label": "system", "placeholder": "system_hint"}
            system = labels.put(gr.Textbox, told, elem_id="system", lines=2)
            warmth = {"label": "temperature", "info": "temperature_info"}
            temperature = labels.put(gr.Slider, warmth, minimum=0.0, maximum=2.0, value=0.0, step=0.1)

    def ask(
        held: Conversation, asked: str | None, told: str | None, temperature: float, interface: str
    ) -> Iterator[tuple[list[Message], str, object]]:
        shown = answers.chat(
            opened, held, asked or "", system=told or "", temperature=temperature, max_new_tokens=max_new_tokens,
            interface=interface,
        )  # fmt: skip
        for index, now in enumerate(shown):
            # the question leaves its field once; what is typed while the answer comes stays
            field = asked if not now.taken else "" if index == 0 else gr.skip()
            yield [_shown(message) for message in now.conversation], note(now.line), field

    inputs, outputs = [conversation, question, system, temperature, shown_in], [talk, line, question]
    one_at_a_time = {"concurrency_id": "model", "concurrency_limit": 1, "api_visibility": "private"}
    asked_by = (send.click, question.submit)
    asking = [when(ask, inputs, outputs, show_progress_on=[talk], **one_at_a_time) for when in asked_by]
    stop.click(None, cancels=asking, api_visibility="private")
    for when in (restart.click, talk.clear):
        when(
            lambda: ([], "", Conversation()), None, [talk, line, conversation], cancels=asking,
            concurrency_limit=None, show_progress="hidden", api_visibility="private",
        )  # fmt: skip


def _shown(message: Message) -> Message:
    """A message as the HTML that shows it: Gradio reads tags even where it renders no Markdown."""
    return {"role": message["role"], "content": html.escape(message["content"], quote=False)}
