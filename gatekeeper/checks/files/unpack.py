"""From a file of the artifact to copies for the scanners: pickle streams and small containers, never tensors.

Archives are walked here and not by the scanners, so that every loader's view of a member is fed, limits hold before
a byte is unpacked, and the same walk serves every container at any depth. What is inside is judged as a file of the
artifact would be (`member_judges`). Nothing is ever written under a name from an archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gatekeeper.checks.files.budget import Budget, BudgetError
from gatekeeper.checks.files.engines import UnknownMethodError, UnpackError
from gatekeeper.checks.files.feed import Feed, FeedKind, MemberProblem, Output, Refusal, RefusalKind, safe_name
from gatekeeper.checks.files.formats import COMPRESSED, INERT, UNJUDGED, UNJUDGED_INSIDE, ZIPS, Format
from gatekeeper.checks.files.identify import Identity
from gatekeeper.checks.files.inflate import BombError
from gatekeeper.checks.files.member_judges import judge_member
from gatekeeper.checks.files.npy_header import read_npy
from gatekeeper.checks.files.pickle_streams import legacy_length
from gatekeeper.checks.files.problem import StructureError, UnsupportedError
from gatekeeper.checks.files.tar_members import TarError
from gatekeeper.checks.files.unpack_7z import seven_zip_contents
from gatekeeper.checks.files.unpack_packed import packed_contents
from gatekeeper.checks.files.unpack_tar import tar_contents
from gatekeeper.checks.files.unpack_zip import zip_contents
from gatekeeper.checks.files.walk import Item, Walk
from gatekeeper.checks.files.zip_member import ZipError

_CONTAINERS: dict[Format, Callable[[Item, Walk], Iterator[Output]]] = {
    **dict.fromkeys(ZIPS - {Format.SKOPS}, zip_contents),
    **dict.fromkeys(COMPRESSED, packed_contents),
    Format.TAR: tar_contents,
    Format.SEVEN_ZIP: seven_zip_contents,
}
_WHOLE = {
    Format.HDF5: ".h5",
    Format.TFLITE: ".tflite",
    Format.ONNX: ".onnx",
    Format.PMML: ".pmml",
    Format.SKOPS: ".skops",
    Format.SAVED_MODEL: "",
    Format.KERAS_METADATA: "",
}
"""Formats that the scanners read whole, and the extension by which they know them."""

_OWN = {Format.TORCHSCRIPT: Format.PYTHON, Format.KERAS_ZIP: Format.JSON}
"""Archive → members in a language of its own, which the judge of the whole archive reads."""

_JUDGED_TOP = ZIPS | {Format.SEVEN_ZIP}
"""Containers whose own faults `files/structure` finds when they are files of the artifact."""


class Unpacker(Walk):
    """Walks files and copies what can hold code."""

    def feeds(self, identity: Identity) -> Iterator[Output]:
        """Give what one file holds for the scanners; the file is read while the result is iterated.

        Raises:
            SourceError: When its bytes can't be had.
            ContentChangedError: When it is no longer the file that was hashed.
            OSError: When it can't be read.
        """
        if identity.format in INERT and not identity.is_zip_too and not identity.is_pickle_too:
            return
        self.budget = Budget(self.limits)
        with identity.file.content.open() as reader:
            item = Item(
                shown=str(identity.file.path),
                name=identity.file.path,
                reader=reader,
                size=identity.file.size,
                format=identity.format,
                zip_too=identity.is_zip_too,
                pickle_too=identity.is_pickle_too,
            )
            try:
                yield from self.descend(item)
            except BudgetError as error:
                yield Refusal(path=item.shown, reason=str(error))

    def descend(self, item: Item) -> Iterator[Output]:
        """Give what an item holds, as each of the formats that a loader could take it for.

        Raises:
            BudgetError: When the walk has cost all that it may.
        """
        if item.depth:
            yield from self._judge(item)
        yield from self._as_format(item)
        if item.zip_too:
            yield from self._as_format(replace(item, format=Format.ZIP))
        if item.pickle_too:
            yield from self._as_format(replace(item, format=Format.PICKLE))

    def _judge(self, item: Item) -> Iterator[Output]:
        """Give what the judges say of a member, as of a file of the artifact."""
        if item.format is Format.UNKNOWN:
            yield Refusal(path=item.shown, reason="its content is of no known format")
        if (
            item.format in UNJUDGED_INSIDE and item.holder is not Format.KERAS_ZIP
        ):  # Keras reads weights and nothing else
            yield Refusal(path=item.shown, reason=UNJUDGED_INSIDE[item.format])
        if item.zip_too and item.format is not Format.TFLITE:  # TFLite keeps label files that way
            reason = "it is a zip archive as well, to readers that begin at its end"
            yield Refusal(path=item.shown, reason=reason, kind=RefusalKind.BROKEN)
        if _OWN.get(item.holder) is item.format:
            return
        if item.format is Format.JINJA:
            self.budget.template()
        try:
            for problem in judge_member(item.format, item.reader, item.name, item.size, self.limits):
                yield MemberProblem(path=item.shown, problem=problem)
        except UnsupportedError as error:
            yield Refusal(path=item.shown, reason=str(error))

    def _as_format(self, item: Item) -> Iterator[Output]:
        """Dispatch on the format; whatever goes wrong in one item is said and hides no other."""
        try:
            if item.format in _CONTAINERS:
                yield from _CONTAINERS[item.format](item, self)
            elif item.format is Format.PICKLE:
                yield self._copy(item, FeedKind.PICKLE, 0, self.limits.scan_file_bytes)
            elif item.format is Format.TORCH_LEGACY:
                streams = replace(item, size=legacy_length(item.reader, item.size, self.limits.pickle_bytes))
                yield self._copy(streams, FeedKind.TORCH_LEGACY, 0, self.limits.pickle_bytes)
            elif item.format is Format.NPY:
                yield from self._npy(item)
            elif item.format in _WHOLE:
                # Scanners build the whole tree of an XML file, at ten times its size.
                most = self.limits.xml_bytes if item.format is Format.PMML else self.limits.scan_file_bytes
                yield self._copy(item, FeedKind.WHOLE, 0, most)
            elif item.format is Format.RAR:
                yield Refusal(path=item.shown, reason=UNJUDGED[Format.RAR])
        except BombError as error:
            yield Refusal(path=item.shown, reason=str(error), kind=RefusalKind.BOMB)
        except UnknownMethodError as error:
            yield Refusal(path=item.shown, reason=str(error))
        except (UnpackError, ZipError, TarError, StructureError) as error:
            kind = RefusalKind.GAP if not item.depth and item.format in _JUDGED_TOP else RefusalKind.BROKEN
            yield Refusal(path=item.shown, reason=f"can't be unpacked: {error}", kind=kind)

    def _copy(self, item: Item, kind: FeedKind, start: int, most: int) -> Feed | Refusal:
        """Copy an item from `start` on; refuse it whole when that is more than `most` bytes."""
        length = item.size - start
        if length > min(most, self.budget.room):
            return Refusal(path=item.shown, reason=f"{length} bytes are more than the scanners are given")
        self.budget.copied += length
        if item.depth:
            self.budget.scan()
        name = safe_name(item.name.name)
        if kind is not FeedKind.WHOLE:
            name += ".pkl"
        elif not name.lower().endswith(ending := _WHOLE[item.format]):
            name += ending
        copy = self.new(name)
        with copy.open("wb") as out:
            item.reader.seek(start)
            while length and (data := item.reader.read(min(length, 1 << 20))):
                out.write(data)
                length -= len(data)
        return Feed(path=item.shown, copy=copy, kind=kind, torchscript=item.torchscript)

    def _npy(self, item: Item) -> Iterator[Output]:
        item.reader.seek(0)
        header = read_npy(item.reader)
        if header.objects:
            yield self._copy(item, FeedKind.PICKLE, header.start, self.limits.pickle_bytes)
