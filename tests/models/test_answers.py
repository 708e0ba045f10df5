"""Answers to plain prompts: greedy at zero, the same with the same seed, in the order that was asked."""

from llimba.models import answers
from llimba.models.answers import Answer, ask
from tests.fakes import tiny_model, tiny_tokenizer


def test_sampling_is_greedy_at_zero_and_the_same_with_the_same_seed() -> None:
    model, tokenizer = tiny_model().eval(), tiny_tokenizer()
    first, again = (ask(model, tokenizer, ["a", "bb"], 6, temperature=0.9, seed=1) for _ in range(2))
    assert first == again
    assert first != ask(model, tokenizer, ["a", "bb"], 6, temperature=0.9, seed=2)
    assert ask(model, tokenizer, ["a"], 6, seed=1) == ask(model, tokenizer, ["a"], 6, seed=2)


def test_answers_come_back_in_the_order_asked() -> None:
    model, tokenizer = tiny_model(initializer_range=0.4).eval(), tiny_tokenizer()  # wide weights: it says many things
    prompts = ["a", "a much longer prompt", "bb", "some words"]
    alone = [ask(model, tokenizer, [prompt], 6)[0] for prompt in prompts]
    assert len(set(alone)) > 1
    assert ask(model, tokenizer, prompts, 6) == alone
    assert len(prompts) <= answers.BATCH  # padding on the left changes no answer


def test_an_answer_says_whether_it_came_to_an_end() -> None:
    model, tokenizer = tiny_model().eval(), tiny_tokenizer()
    (cut,) = ask(model, tokenizer, ["a"], 6)
    assert cut == Answer(cut.text, stopped=False)
    whole = (
        model(
            **tokenizer(
                tokenizer.apply_chat_template(
                    [{"role": "user", "content": "a"}], tokenize=False, add_generation_prompt=True
                ),
                return_tensors="pt",
                add_special_tokens=False,
            )
        )
        .logits[0, -1]
        .argmax()
        .item()
    )
    model.generation_config.eos_token_id = [whole]  # the first token that it says ends it
    assert ask(model, tokenizer, ["a"], 6)[0].stopped
