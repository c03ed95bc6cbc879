"""The pickles of a joblib file by themselves, for scanners that take its arrays for opcodes."""

from __future__ import annotations

import io

from gatekeeper.checks.files.pickle_record import Broken, Record, Spent
from gatekeeper.checks.files.pickle_walk import walk_pickle
from gatekeeper.limits import DEFAULT_LIMITS


def joblib_streams(data: bytes) -> list[bytes]:
    """Give the pickles of a joblib file as `joblib.load` reads them.

    Args:
        data: The file, decompressed.

    Returns:
        The pickle itself, with everything that is spliced into it left out; then the pickles of arrays of objects,
        which stand in the middle of it.

    Raises:
        ValueError: When it can't be followed to its end.
    """
    record = Record(limits=DEFAULT_LIMITS)
    try:
        end = walk_pickle(io.BytesIO(data), 0, len(data), record)
    except (Broken, Spent) as error:
        raise ValueError(str(error)) from error
    kept, start = [], 0
    for splice in record.splices:
        kept.append(data[start : splice.start])
        start = splice.end
    kept.append(data[start:end])
    inner = [data[splice.start : splice.end] for splice in record.splices if splice.pickled]
    return [b"".join(kept), *inner]
