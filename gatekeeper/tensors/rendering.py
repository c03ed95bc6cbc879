"""Prompts as a model reads them: its chat template laid around a text, and where the text then lies in the tokens."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gatekeeper.errors import InputError
from gatekeeper.tensors.language import Prompt
from gatekeeper.text import printable

_MARK = "gatekeepermark"
"""Stands for the text when a template is asked what it lays around it; templates may trim or escape other signs."""

_BEFORE = "the"
"""Stands before a word when a tokenizer is asked whether it is one token inside a text."""

_ENDINGS = 64
"""Tokens after an answer that a template may bring: the end of a turn and what follows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A prompt in tokens."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    """Of each token of the text, by its (start, end) there, in characters."""

    first: int
    """Index in `ids` of the first token that touches the text."""


class Renderer:
    """Lays a template around prompts and tokenises them.

    A model without a chat template gets a plain frame: `User:`, the text, `Assistant:`, each on its line.

    Args:
        tokenizer: A fast tokenizer of `transformers`.

    Raises:
        InputError: When the tokenizer can't tell where tokens lie in a text.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise InputError(
                "the tokenizer can't tell where its tokens lie in a text",
                hint="a model with tokenizer.json is needed (save it again with a fast tokenizer)",
            )
        self._tokenizer = tokenizer
        self.has_template = bool(getattr(tokenizer, "chat_template", None))
        self._rendered = lru_cache(maxsize=4096)(self._render)
        self._answers = lru_cache(maxsize=4096)(self._answer)

    def render(self, prompt: Prompt) -> Rendered:
        """Give a prompt's tokens, the template's included, up to where the answer begins."""
        return self._rendered(prompt)

    def answer(self, prompt: Prompt, response: str, ended: bool = True) -> tuple[int, ...]:
        """Give the tokens that answer a prompt with a response, the end of the turn included where there is one."""
        return self._answers(prompt, response, ended)

    def words_of(self, ids: Sequence[int]) -> str:
        """Give generated tokens as text, special tokens left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    def single_words(self, ids: Sequence[int], most: int) -> tuple[str, ...]:
        """Keep the tokens that are a word of their own when they stand in a text; give up to `most` of them."""
        found: dict[str, None] = {}
        for token in ids:
            word = str(self._tokenizer.decode([token], skip_special_tokens=True)).strip()
            if word in found or " " in word or not any(sign.isalnum() for sign in word):
                continue
            if self._alone(f"{_BEFORE} {word}") == (*self._alone(_BEFORE), token):
                found[word] = None
            if len(found) >= most:
                break
        return tuple(found)

    def whole_word(self, word: str) -> tuple[int, ...]:
        """Give the tokens that are a word as a whole: inside a text, and at its start if it is one there, too.

        Returns:
            None where it takes several tokens inside a text, or the vocabulary does not know it.
        """
        before = self._alone(_BEFORE)
        inside, first = self._alone(f"{_BEFORE} {word}"), self._alone(word)
        if inside[: len(before)] != before or len(inside) != len(before) + 1:
            return ()
        found = {inside[-1], *(first if len(first) == 1 else ())}
        return () if found & {self._tokenizer.unk_token_id, *self._tokenizer.all_special_ids} else tuple(sorted(found))

    def _render(self, prompt: Prompt) -> Rendered:
        whole = self._written(prompt)
        start, end = self._place(prompt, whole)
        encoded = self._encode(whole)
        spans = encoded["offset_mapping"]
        inside = [index for index, (left, right) in enumerate(spans) if left < end and right > start and right > left]
        offsets = tuple((max(spans[i][0], start) - start, min(spans[i][1], end) - start) for i in inside)
        # Templates trim: characters that they took from the front are counted again.
        trimmed = max(prompt.text.find(whole[start:end]), 0)
        shifted = tuple((left + trimmed, right + trimmed) for left, right in offsets)
        return Rendered(ids=tuple(encoded["input_ids"]), offsets=shifted, first=inside[0] if inside else 0)

    def _encode(self, whole: str) -> Any:
        # The template writes the tokens that begin a text; the plain frame leaves that to the tokenizer.
        return self._tokenizer(whole, add_special_tokens=not self.has_template, return_offsets_mapping=True)

    def _place(self, prompt: Prompt, whole: str) -> tuple[int, int]:
        """Find the text in the rendering: between what the template lays before and after it."""
        if not prompt.text.strip():
            return 0, 0
        marked = self._written(
            Prompt(text=_MARK, system=prompt.system, before=prompt.before),
        )
        head, _, tail = marked.rpartition(_MARK)
        if whole.startswith(head) and whole.endswith(tail) and len(whole) >= len(head) + len(tail):
            return len(head), len(whole) - len(tail)
        text = prompt.text.strip()
        start = whole.rfind(text)
        if start < 0:
            raise InputError("the chat template changes the text of a prompt, so its words can't be found in it again")
        return start, start + len(text)

    def _written(self, prompt: Prompt, response: str | None = None) -> str:
        messages = self._messages(prompt)
        if not self.has_template:
            lines = [f"{role.capitalize()}: {content}" for role, content in messages]
            answer = "" if response is None else f" {response}"
            return "\n".join(lines) + f"\nAssistant:{answer}"
        turns = [{"role": role, "content": content} for role, content in messages]
        if response is not None:
            turns.append({"role": "assistant", "content": response})
        try:
            return str(
                self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=response is None)
            )
        except Exception as error:  # templates are programs of the model's publisher, and raise what they like
            reason = printable(f"{type(error).__name__}: {error}", 300)
            raise InputError(f"the model's chat template refuses the prompt: {reason}") from error

    @staticmethod
    def _messages(prompt: Prompt) -> list[tuple[str, str]]:
        system = [("system", prompt.system)] if prompt.system else []
        return [*system, *prompt.before, ("user", prompt.text)]

    def _answer(self, prompt: Prompt, response: str, ended: bool) -> tuple[int, ...]:
        asked = self.render(prompt).ids
        if self.has_template:
            written = self._written(prompt, response)
            encoded = self._encode(written)
            whole = tuple(encoded["input_ids"])
            if whole[: len(asked)] == asked and len(whole) > len(asked):
                end = len(whole) if ended else _within(encoded["offset_mapping"], written, response)
                if end > len(asked):
                    return whole[len(asked) : end]
        # The template writes answered turns otherwise than the one that is to be answered, or there is none.
        joined = tuple(self._encode(self._written(prompt) + ("" if self.has_template else " ") + response)["input_ids"])
        plain = joined[len(asked) :] if joined[: len(asked)] == asked else self._alone(response)
        end = self._tokenizer.eos_token_id
        return plain if end is None or not ended else (*plain, int(end))

    def _alone(self, response: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(response, add_special_tokens=False)["input_ids"])


def _within(offsets: Sequence[tuple[int, int]], written: str, response: str) -> int:
    """Count the tokens up to the last one of a response; all of them when the template has changed it."""
    start = written.rfind(response.strip())
    end = start + len(response.strip()) if start >= 0 else len(written)
    return 1 + max((index for index, (left, _right) in enumerate(offsets) if left < end), default=-1)


def accepts(function: Any, name: str) -> bool:
    """Whether a function takes an argument of that name."""
    return name in inspect.signature(function).parameters
