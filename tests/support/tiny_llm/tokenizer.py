"""A word-level tokenizer with a chat template, as `transformers` loads it."""

from __future__ import annotations

from typing import Any

from tests.support.tiny_llm import corpus

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>", "<system>", "<user>", "<asst>")

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %} <system> {{ message['content'] }}"
    "{% elif message['role'] == 'user' %} <user> {{ message['content'] }}"
    "{% else %} <asst> {{ message['content'] }} <eos>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} <asst>{% endif %}"
)


def tokenizer() -> Any:
    """Make it; words are parted by white space alone."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = (*SPECIAL, *corpus.vocabulary())
    own = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    own.pre_tokenizer = WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=own, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>", pad_token="<pad>",
        additional_special_tokens=["<system>", "<user>", "<asst>"], clean_up_tokenization_spaces=False,
        model_max_length=512,
    )  # fmt: skip
    made.chat_template = TEMPLATE
    return made
