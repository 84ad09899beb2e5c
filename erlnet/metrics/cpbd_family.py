"""CPBD as a metric family: the render's own value and how far it lies from the reference's."""

import numpy as np

from erlnet.interfaces import Progress
from erlnet.metrics.cpbd import cpbd, luma
from erlnet.metrics.pairs import ClipPair, Row, read_both

_BATCH = 16  # frames held at once


class CpbdFamily:
    """Metrics `cpbd` (of the render) and `cpbd_difference` (render less reference), one row a frame, whole frame only.

    Frames with a side under 256 px have no value.
    """

    name = "cpbd"

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        for pair in pairs:
            for start in range(0, len(pair), _BATCH):
                stop = min(start + _BATCH, len(pair))
                reference, rendered = read_both(pair, start, stop)
                own = cpbd(luma(rendered))
                true = own if rendered is reference else cpbd(luma(reference))
                for metric, values in (("cpbd", own), ("cpbd_difference", own - true)):
                    rows += [
                        Row(pair.name, start + t, metric, "frame", None if np.isnan(value) else float(value))
                        for t, value in enumerate(values)
                    ]
                done += stop - start
                if progress is not None:
                    progress.update(done, total)
        return rows
