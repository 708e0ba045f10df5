"""Templates of strangers are rendered where they can do no harm, every time, in the bytes that transformers writes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from llimba.errors import StageError
from llimba.models.encoding import chat_prompt, encode
from llimba.models.template import LONGEST, LONGEST_TEMPLATE, Renderer, TemplateUnsafe, check_template
from tests.chat_templates import FAMILIES, MARKED, tokenizer_of
from tests.fakes import CHAT_TEMPLATE, save_tiny_model, tiny_tokenizer

TURNS = [
    {"role": "user", "content": "Ite est «custu»?\n\t\\u00e0 {{ x }} 🐑"},
    {"role": "assistant", "content": "Una proa, 'eja'."},
]
BOMBS = {
    "{{ 'a' * 300000000 }}": "uses up its memory or time",
    "{{ 'a' * 3000000000 }}": "uses up its memory or time",
    "{{ '%3000000000d' % 1 }}": "uses up its memory or time",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}": "takes too long",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "uses up its memory or time",
    "{% for i in range(99999) %}aaaaaa{% endfor %}": "makes more than 100,",
}
PATIENT = {  # that know what they are tried out with
    "{{ messages[0].role * 300000000 }}": "uses up its memory or time",
    "{{ messages | length ** (messages | length ** 40) }}": "takes too long",
    "{% for i in range(99999) %}aaaaaa{% endfor %}": "makes more than 100,",
}


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    yield made
    made.close()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("opening", [True, False])
def test_what_is_rendered_is_what_transformers_renders(family: str, opening: bool, renderer: Renderer) -> None:
    tokenizer = tokenizer_of(family)
    expected = tokenizer.apply_chat_template(TURNS, tokenize=False, add_generation_prompt=opening)
    rendered = renderer.render(tokenizer.chat_template, TURNS, tokenizer.special_tokens_map, opening=opening)
    assert rendered == (expected, [])


def test_what_a_template_marks_is_told(renderer: Renderer) -> None:
    text, marks = renderer.render(MARKED, TURNS * 2, {}, marked=True)
    assert [text[start:end] for start, end in marks] == [TURNS[1]["content"]] * 2


def test_ordinary_templates_pass() -> None:
    tokenizer = tiny_tokenizer()
    check_template(Path("m"), tokenizer)
    tokenizer.chat_template = (
        "{%- for m in messages %}{%- if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{%- else %}{{ m.content | trim }}{%- endif %}{%- endfor %}{{ eos_token }}"
    )
    check_template(Path("m"), tokenizer)


@pytest.mark.parametrize("template", BOMBS)
def test_bombs_are_refused_at_first_sight(template: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(StageError, match=f"m: the chat template .*{BOMBS[template]}.*Do not use this folder"):
        check_template(Path("m"), tokenizer)


@pytest.mark.parametrize("template", PATIENT)
def test_bombs_that_wait_are_refused_when_they_go_off(template: str, renderer: Renderer) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% if messages[0].content != 'a' %}" + template + "{% endif %}x"
    check_template(Path("m"), tokenizer)
    with pytest.raises(TemplateUnsafe, match=f"the chat template .*{PATIENT[template]}"):
        renderer.render(tokenizer.chat_template, TURNS, {})
    assert renderer.render(CHAT_TEMPLATE, TURNS[:1], {}).text.startswith("<|im_start|>user\nIte est")


def test_a_template_that_knows_it_is_tried_ends_in_a_sentence_when_it_is_used(tmp_path: Path) -> None:
    from llimba.models.loading import chat_tokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% if messages[0].content != 'a' %}{{ messages[0].role * 300000000 }}{% endif %}x"
    tokenizer.save_pretrained(save_tiny_model(tmp_path / "m"))
    opened = chat_tokenizer(tmp_path / "m")
    for use in (lambda: encode(TURNS[:1], opened, 1000), lambda: chat_prompt(TURNS[:1], opened)):
        with pytest.raises(TemplateUnsafe, match=r"/m: the chat template uses up its memory.*Do not use this model"):
            use()


@pytest.mark.parametrize("template", ["{{ messages[0].content.__class__.__mro__ }}", "{% for %}", "{{ 1 // 0 }}"])
def test_what_fails_is_said(template: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(StageError, match="m: the chat template cannot be rendered"):
        check_template(Path("m"), tokenizer)


def test_no_template_is_no_model_to_talk_to() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(StageError, match="no chat template"):
        check_template(Path("m"), tokenizer)


def test_a_template_of_megabytes_is_not_even_sent(renderer: Renderer) -> None:
    with pytest.raises(TemplateUnsafe, match="characters; none needs so many"):
        renderer.render("a" * (LONGEST_TEMPLATE + 1), TURNS, {})


def test_long_conversations_are_no_bombs(renderer: Renderer) -> None:
    long = [{"role": "user", "content": "à" * (10 * LONGEST)}]
    assert len(renderer.render(CHAT_TEMPLATE, long, {}).text) > 10 * LONGEST
    assert renderer.render("{{ messages[0].content }}", [{"role": "user", "content": "\ud800"}], {}).text == "\ud800"


def test_a_process_that_dies_is_replaced(renderer: Renderer) -> None:
    renderer.render(CHAT_TEMPLATE, TURNS, {})
    os.kill(_pid(renderer), signal.SIGKILL)
    time.sleep(0.2)
    assert renderer.render("{{ messages[0].role }}", TURNS, {}).text == "user"


def test_many_threads_get_their_own_answers(renderer: Renderer) -> None:
    def ask(number: int) -> str:
        return renderer.render("{{ messages[0].content }}", [{"role": "user", "content": str(number)}], {}).text

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(400))) == [str(number) for number in range(400)]


def test_an_interrupted_question_leaves_no_answer_for_the_next(renderer: Renderer) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    renderer.render(CHAT_TEMPLATE, TURNS, {})
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            renderer.render(
                "{% for i in range(99999) %}{% for j in range(200) %}{% endfor %}{% endfor %}old", TURNS, {}
            )
    finally:
        signal.signal(signal.SIGALRM, before)
    assert renderer.render("new", TURNS, {}).text == "new"


def test_a_forked_process_asks_one_of_its_own(tmp_path: Path) -> None:
    code = (
        "import os\nfrom llimba.models.template import RENDERER as r\nt = [{'role': 'user', 'content': 'a'}]\n"
        "assert r.render('one', t, {}).text == 'one'\nchild = os.fork()\n"
        "for n in range(200): assert r.render(str((child, n)), t, {}).text == str((child, n))\n"
        "print(r._process.pid)\n"
        "os._exit(0) if not child else os.waitpid(child, 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(set(done.stdout.split())) == 2, done.stderr


def test_the_process_can_open_nothing_knows_no_secret_and_ends_with_us(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    renderer.close()
    renderer.render(CHAT_TEMPLATE, TURNS, {})
    place = Path(f"/proc/{_pid(renderer)}")
    limits = {line[:25].strip(): line.split()[-3] for line in (place / "limits").read_text().splitlines()[1:]}
    assert (limits["Max open files"], limits["Max file size"]) == ("3", "0")
    assert b"hf_secret" not in (place / "environ").read_bytes()
    assert all("/" not in os.readlink(fd) or "null" in os.readlink(fd) for fd in (place / "fd").iterdir())
    code = (
        "import os, signal\nfrom llimba.models.template import RENDERER as r\n"
        "r.render('a', [{'role': 'user', 'content': 'a'}], {})\nprint(r._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{done.stdout.strip()}").exists():
        assert time.monotonic() < deadline, "it outlives llimba"
        time.sleep(0.05)


def _pid(renderer: Renderer) -> int:
    process = renderer._process
    assert process is not None
    return process.pid
