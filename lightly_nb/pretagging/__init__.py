"""Pretagging: objects found by a detector that was trained on other images, kept as predictions of a task.

`pretag` is the step, `detection` says what a detector is and checks what it returns, `detectors` has the
table of those by name, `bounding_boxes` is the file and the example pictures that a run leaves behind.
"""

from lightly_nb.pretagging.detection import Detector
from lightly_nb.pretagging.detectors import DEFAULT, DETECTORS, resolve_detector
from lightly_nb.pretagging.pretag import TASK, pretag

__all__ = ["DEFAULT", "DETECTORS", "TASK", "Detector", "pretag", "resolve_detector"]
