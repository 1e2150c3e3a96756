"""The pipeline: a folder of images in, the subset worth labelling out.

`run` works here and now; `start` does the same in a background process. Both only make a run folder
and have it executed, so a run can be opened, resumed and repeated by its folder alone.
"""

from lightly_nb.pipeline.datapool.steps import update_datapool
from lightly_nb.pipeline.process.ending import reopen
from lightly_nb.pipeline.run_handle import Run
from lightly_nb.pipeline.runs import open_run, prepare, rerun, run, start
from lightly_nb.pipeline.steps import execute

__all__ = ["Run", "execute", "open_run", "prepare", "reopen", "rerun", "run", "start", "update_datapool"]
