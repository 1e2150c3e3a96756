"""The dataset of the crops of a dataset of images: runs on its objects make it and add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.config.worker import ObjectLevelConfig
from lightly_nb.reading.crops import BOX, CATEGORY, IMAGE, SCORE
from lightly_nb.states import DatasetType, DatasourcePurpose
from lightly_nb.workspace.data.datasets import create_dataset_with_unique_name
from lightly_nb.workspace.data.datasources import get_datasource, set_datasource
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.store.schema import Dataset, User


def add_crops(
    session: Session,
    images: Dataset,
    run_id: str,
    *,
    names: Sequence[str],
    metas: Mapping[str, dict[str, Any]],
    level: ObjectLevelConfig,
) -> Dataset:
    """Add the selected crops of a run to the dataset of crops, with a tag of their own; return the dataset.

    It is in the transaction of the images' tag: there are both or none.

    Parameters
    ----------
    images : Dataset
        The dataset that the run was on.
    run_id : str
        The run.
    names : sequence of str
        The crops, in the order that they were chosen in.
    metas : mapping
        Their metadata, by name.
    level : ObjectLevelConfig
        Which objects they are; how the dataset is called.
    """
    dataset = crop_dataset(session, images, level)
    create_run_tag(session, dataset, names, run_id=run_id, metas=dict(metas))
    return dataset


def crop_dataset(session: Session, images: Dataset, level: ObjectLevelConfig) -> Dataset:
    """Return the dataset of crops of these images under its name, made if it is not there.

    Where another dataset has the name already, it is followed by `_1`, `_2`, ….
    """
    name = level.crop_dataset_name or f"{images.name}-crops"
    info = {"task_name": level.task_name, "padding": level.padding}
    crops = session.scalars(
        select(Dataset)
        .where(Dataset.parent_id == images.id, Dataset.type == DatasetType.CROPS)
        .order_by(Dataset.created_at, Dataset.id)
    )
    for dataset in crops:
        if dataset.crop_info == info and _is_named(dataset.name, name):
            return dataset
    owner = session.get_one(User, images.owner_id)
    dataset = create_dataset_with_unique_name(
        session, owner, name, DatasetType.CROPS, parent_id=images.id, crop_info=info
    )
    for purpose in (DatasourcePurpose.INPUT, DatasourcePurpose.LIGHTLY):
        set_datasource(session, dataset, get_datasource(session, images, purpose), purpose)
    return dataset


def _is_named(name: str, basename: str) -> bool:
    rest = name.removeprefix(basename)
    return name.startswith(basename) and (not rest or (rest[0] == "_" and rest[1:].isdecimal()))


def crop_metas(table: pd.DataFrame, metas: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the metadata of crops with those of their images' pixels: image, category, score and box."""
    columns = table[[IMAGE, CATEGORY, SCORE, *BOX]].astype(object).to_numpy().tolist()
    return {
        str(name): {
            **metas[str(name)],
            "crop": {
                "image": image,
                "category": category,
                "score": float(score),
                "box": [int(n) for n in box],
            },
        }
        for name, (image, category, score, *box) in zip(table.index, columns, strict=True)
    }
