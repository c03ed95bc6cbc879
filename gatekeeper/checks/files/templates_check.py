"""`files/templates`: what chat templates do to a conversation, and whether they reach for code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.checks.files.template_go import is_go
from gatekeeper.checks.files.template_judge import TemplateReader
from gatekeeper.checks.files.template_rules import RULES
from gatekeeper.checks.files.template_text import spoken
from gatekeeper.checks.files.template_tree import TemplateError, parse
from gatekeeper.checks.files.template_words import words
from gatekeeper.checks.files.templates import CONFIGS
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_SENTENCE = 4
"""Words of a text that is a sentence and no label."""


class Templates(Check):
    """Chat templates, read as programs.

    What it looks at:
        Jinja templates in configuration files (one or several, in all forms that transformers writes), in `.jinja`
        files and in GGUF headers, and Ollama's Go templates. Each is parsed and never rendered: attributes and text
        that lead to Python's insides, however they are spelt; words that are only written when content, its length,
        the place in the conversation, the date or chance say so; words in content that are replaced or taken out;
        orders to keep quiet, addresses, hidden characters; loops and widths out of all proportion; templates of one
        repo that say different things.

    Why it matters:
        The template turns every conversation into what the model reads. Whoever writes it can have code run where a
        loader renders without a sandbox, or put words into a conversation that nobody said and nobody sees.

    What it cannot see:
        Whether a system prompt that every conversation gets is good advice; text that an application adds; what a
        model was trained to do with a marker; a file that is named to a loader by hand and has another ending.

    How to mend:
        Take the base model's own template or write one; give it to the loader by hand.
    """

    id = "files/templates"
    title = "Chat templates pass on what was said, and nothing else"
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge the templates of every file, then hold those for different loaders against each other."""
        reader = TemplateReader(context.limits)
        judging = Judging(check=self)
        for identity in identities(artifact, context.limits):
            path = str(identity.file.path)
            if identity.format not in _FORMATS and not _is_named(identity):
                continue
            if identity.file.sha256 is None and identity.format is not Format.GGUF:
                if _is_named(identity):
                    judging.gap(path, "not downloaded, so its templates were not looked at")
                continue
            judging.look(identity.file, reader.judge_of(identity.format), context.limits)
        for path, problem in differences(reader.texts, context.limits):
            judging.say(path, [problem])
        return judging.outcome()


_FORMATS = frozenset({Format.JSON, Format.JINJA, Format.GGUF})


def _is_named(identity: Identity) -> bool:
    """Whether a loader reads a template from the file by its name."""
    path = identity.file.path
    return path.name.lower() in CONFIGS or path.stem.lower() == "chat_template" or is_go(path)


def differences(texts: Mapping[str, Mapping[str, str]], limits: Limits) -> Iterator[tuple[str, Problem]]:
    """Hold the default templates of one folder against each other: each loader takes another file's.

    Args:
        texts: Templates by file and name.
        limits: Bounds on parsing.
    """
    folders: dict[str, list[tuple[str, str]]] = {}
    for path, named in texts.items():
        if "default" in named:
            folders.setdefault(path.rpartition("/")[0], []).append((path, named["default"]))
    for found in folders.values():
        first, text = min(found)
        for path, other in sorted(found):
            if " ".join(other.split()) == " ".join(text.split()):
                continue
            added = _sentences(other, limits) ^ _sentences(text, limits)
            if added:
                shown = printable(" ".join(min(added).split()), 120)
                message = f"its template and that of {printable(first, 120)!r} differ in what they say, as in {shown!r}"
                yield path, Problem(slug="differs", message=message)
            else:
                message = f"its template is worded otherwise than that of {printable(first, 120)!r}"
                yield path, Problem(slug="other-form", message=message)


def _sentences(template: str, limits: Limits) -> set[str]:
    """Give the sentences that a template writes, as their words, so that layout makes no difference."""
    try:
        tree = parse(template, limits)
    except TemplateError:
        return set()
    lines = [line for _, text in spoken(tree, Folder(tree)) for line in text.splitlines()]
    return {" ".join(found) for line in lines if len(found := words(line)) >= _SENTENCE}
