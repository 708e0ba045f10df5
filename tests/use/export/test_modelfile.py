"""ChatML is recognised by what a template writes, its own system prompt too."""

from llimba.use.export.modelfile import modelfile
from tests.fakes import tiny_tokenizer

OWN = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system\nSes <|im_end|>\n{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_chatml() -> None:
    text = modelfile("m-q8_0.gguf", tiny_tokenizer(), ["<|im_end|>"])
    assert "FROM ./m-q8_0.gguf\n" in text
    assert "<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n" in text
    assert 'PARAMETER stop "<|im_end|>"\n' in text
    assert "SYSTEM" not in text


def test_a_system_prompt_of_the_template() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = OWN.replace("\n", "{{ '\\n' }}")
    assert 'SYSTEM """Ses """' in modelfile("m.gguf", tokenizer, [])


def test_another_template_is_left_to_ollama() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}[{{ m.content }}]{% endfor %}"
    text = modelfile("m.gguf", tokenizer, ["</s>"])
    assert "TEMPLATE" not in text
    assert "no ChatML" in text
