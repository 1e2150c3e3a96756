"""Where a run reads and writes: its two datasources, and what is listed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lightly_nb.datasource import Datasource, WritableDatasource, open_datasource
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Listener, say
from lightly_nb.lightly_source.relevant_filenames import RelevantFilenames, parse_relevant_filenames
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.selection_inputs import Inputs, read_inputs
from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.states import DatasourcePurpose


class Access(NamedTuple):
    """What fsspec needs to reach the datasources of a run."""

    input: Mapping[str, Any] | None
    lightly: Mapping[str, Any] | None


def opened_lightly(job: Job, access: Access) -> Datasource:
    """Open the LIGHTLY datasource, which is the input where none is named."""
    if job.lightly_source is None:
        return open_datasource(job.input, storage_options=access.input)
    return open_datasource(job.lightly_source, storage_options=access.lightly)


def lightly_to_write(
    job: Job, storage_options: Mapping[str, Any] | None, what: str, step: str, emit: Listener
) -> WritableDatasource | None:
    """Open LIGHTLY to write `what`; where that cannot be, say that it is not written and return None."""
    assert job.lightly_source is not None
    try:
        return open_datasource(
            job.lightly_source, purpose=DatasourcePurpose.LIGHTLY, storage_options=storage_options
        )
    except DatasourceError as error:
        say(emit, step, f"{what} are not written to {job.lightly_source}: {error}", "warning")
        return None


def inputs_of(job: Job, lightly: Datasource) -> Inputs:
    """Return what a selection of the job can use, by the schemas in LIGHTLY and what was handed in."""
    columns = () if job.listing is None else [str(name) for name in job.listing]
    return read_inputs(lightly, {name: one.task for name, one in job.predictions.items()}, columns)


def listed_samples(job: Job, access: Access, emit: Listener) -> Samples:
    """Return the files of a run, listed now unless the job brought its own list."""
    from lightly_nb.reading import list_samples

    source = open_datasource(job.input, storage_options=access.input)
    if job.listing is not None:
        quarantine = quarantine_table() if job.quarantine is None else job.quarantine
        return Samples(job.listing.sort_index(), quarantine=quarantine, source=source)
    relevant = _relevant_filenames(job, source, access)
    return list_samples(source, exclude=[job.output_dir], relevant_filenames=relevant, on_event=emit)


def _relevant_filenames(job: Job, source: Datasource, access: Access) -> RelevantFilenames | None:
    name = job.configs.worker.relevant_filenames_file
    if not name:
        return None
    lightly = source if job.lightly_source is None else opened_lightly(job, access)
    where = f"worker_config.relevant_filenames_file '{name}' in {lightly.url}"
    if (entry := lightly.look(name)).refused:
        advice = "" if job.lightly_source else "; name the LIGHTLY datasource if it is not the input itself"
        raise InputError(f"{where}: {entry.refused}; put it there or leave the option out{advice}")
    return parse_relevant_filenames(lightly.read(name), where)
