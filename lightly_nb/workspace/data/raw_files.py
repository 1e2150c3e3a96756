"""The files of a dataset as its datasources have them, whether or not a run has seen them: names and URLs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from lightly_nb.datasource import Datasource
from lightly_nb.datasource.sample_files import WEEK, SampleFiles
from lightly_nb.engines import local
from lightly_nb.events import Listener
from lightly_nb.lightly_source.json_files import json_name

NameAndUrl = tuple[str, str]

_LOOKS_AT_ONCE = 16


def raw_samples(
    files: SampleFiles,
    lightly: Datasource | None = None,
    relevant_filenames_file: str | None = None,
    on_event: Listener | None = None,
) -> Iterator[NameAndUrl]:
    """Yield name and read URL of the images of INPUT, by name.

    Parameters
    ----------
    lightly : Datasource, optional
        Holds the relevant filenames, if these are given.
    relevant_filenames_file : str, optional
        Name of a text file in there: only what it names counts.
    """
    for name in _image_names(files, lightly, relevant_filenames_file, on_event):
        yield name, files.read_url(name)


def raw_companions(
    folder: str,
    files: SampleFiles,
    lightly: Datasource,
    relevant_filenames_file: str | None = None,
    on_event: Listener | None = None,
) -> Iterator[NameAndUrl]:
    """Yield name and read URL of the JSON files that images of INPUT have below `folder` of LIGHTLY."""

    def found(image: str) -> str | None:
        name = json_name(folder, image)
        return None if lightly.look(name).refused else name

    names = _image_names(files, lightly, relevant_filenames_file, on_event)
    work = local.map(found, names, _LOOKS_AT_ONCE)
    with closing(work):
        for name in work:
            if name is not None:
                yield name, lightly.read_url(name, WEEK)


def _image_names(
    files: SampleFiles,
    lightly: Datasource | None,
    relevant_filenames_file: str | None,
    on_event: Listener | None,
) -> list[str]:
    from lightly_nb.reading import list_samples

    relevant = None
    if relevant_filenames_file and lightly is not None:
        relevant = lightly.read(relevant_filenames_file)
    return list(list_samples(files.datasource, relevant_filenames=relevant, on_event=on_event).filenames)
