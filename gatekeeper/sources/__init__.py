"""Reference → artifact: the Hub, local folders and single files; and a locked model → a folder of its bytes.

    reference = parse("hf://org/name@main")
    with open_artifact(reference, SourceOptions(jobs=4)) as artifact:
        ...  # read `artifact.files` through their `content` only

Every file was hashed in one pass, and its `content` gives those bytes or raises. Large local files can still be
written to while a check reads them: ask `content.unchanged()` of each file after the last check.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.artifact import Artifact, Reference, Scheme
from gatekeeper.errors import InputError
from gatekeeper.progress import SILENT, Progress
from gatekeeper.sources.materialised import Materialised, layout, materialise
from gatekeeper.sources.options import SourceOptions
from gatekeeper.sources.references import parse
from gatekeeper.sources.state import state_of

__all__ = ["Materialised", "SourceOptions", "layout", "materialise", "open_artifact", "parse", "resolve", "state_of"]

_DEFAULT = SourceOptions()


@contextmanager
def open_artifact(
    reference: Reference, options: SourceOptions = _DEFAULT, progress: Progress = SILENT
) -> Iterator[Artifact]:
    """Fetch and hash what a reference names; read the files inside the `with` block only.

    Args:
        reference: From `parse`.
        options: Where and how.
        progress: Shown downloads and hashing, in bytes.

    Raises:
        NotFoundError: When it leads nowhere.
        AccessError: When the token at hand may not see it.
        InputError: When a local path or a pattern of `exclude` can't be used.
        LimitError: When it is larger than the limits allow.
        SourceError: When the Hub, the network or the disk fails.
        ContentChangedError: When a file changes while it is hashed.
    """
    if reference.scheme is Scheme.HUB:
        from gatekeeper.sources.hub import open_hub

        yield open_hub(reference, options, progress)
    else:
        yield _open_local(reference, options, progress)


def resolve(reference: Reference, options: SourceOptions = _DEFAULT) -> Reference:
    """Pin a reference: name the commit that its branch, tag or default branch means now.

    Args:
        reference: From `parse`, on the Hub.
        options: Where and how.

    Returns:
        The reference with forty hexadecimal digits as its revision; itself when it has them.

    Raises:
        InputError: When it is not on the Hub.
        NotFoundError: When it leads nowhere.
        AccessError: When the token at hand may not see it.
        SourceError: When the Hub fails.
    """
    if reference.is_commit:
        return reference
    if reference.scheme is not Scheme.HUB:
        raise InputError("a local folder or file has no commit", hint="name a model on the Hub: hf://org/name")
    from gatekeeper.sources.hub import resolve_hub

    return resolve_hub(reference, options)


def _open_local(reference: Reference, options: SourceOptions, progress: Progress) -> Artifact:
    from gatekeeper.sources.declared import read_declared
    from gatekeeper.sources.folder import read_file, read_folder

    read = read_folder if reference.scheme is Scheme.FOLDER else read_file
    local = read(Path(reference.name), options, progress)
    declared = read_declared(local.files, (), options.limits)
    return Artifact(
        reference=reference,
        kind=declared.kind,
        files=local.files,
        card=declared.card,
        lineage=declared.lineage,
        irregularities=(*local.irregularities, *declared.irregularities),
        exclude=options.exclude,
        excluded=local.excluded,
    )
