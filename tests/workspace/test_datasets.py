"""Datasets and sharing: who sees what, and what others are told."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
)
from lightly_nb.states import DatasetType
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.datasets import (
    create_dataset,
    create_dataset_with_unique_name,
    delete_dataset,
    get_dataset,
    get_datasets,
)
from lightly_nb.workspace.data.datasource_kinds import datasource_settings
from lightly_nb.workspace.data.datasources import set_datasource
from lightly_nb.workspace.data.sharing import get_shared_users, share_dataset_only_with
from lightly_nb.workspace.data.tags import create_run_tag, create_tag_from_filenames
from lightly_nb.workspace.store.schema import Base, ComputeRun, Dataset, RunStateChange, User, new_id


def seen_by(workspace, user, **how) -> list[str]:
    with reading(workspace) as session:
        return [dataset.name for dataset in get_datasets(session, user, **how)]


def test_a_dataset_is_made_found_renamed_and_deleted(workspace, ada):
    dataset = transact(workspace, create_dataset, ada, "My photos_2024-1", DatasetType.VIDEOS)
    with reading(workspace) as session:
        found = get_dataset(session, ada, dataset.id)
    assert (found.name, found.type, found.owner_id) == ("My photos_2024-1", "Videos", ada.id)
    assert found.created_at == dataset.created_at <= found.last_modified_at
    assert seen_by(workspace, ada) == ["My photos_2024-1"]
    assert seen_by(workspace, ada, name="My photos_2024-1") == ["My photos_2024-1"]
    assert seen_by(workspace, ada, name="My photos") == []
    transact(workspace, delete_dataset, ada, dataset.id)
    assert seen_by(workspace, ada) == []


def test_a_name_belongs_to_one_dataset_of_a_user(workspace, photos, ada, bob):
    with pytest.raises(
        ConflictException, match=r"'photos' already exists! Use set_dataset_id_by_name"
    ) as caught:
        transact(workspace, create_dataset, ada, "photos")
    assert isinstance(caught.value, ValueError)  # what client 1.5 raises
    transact(workspace, create_dataset, bob, "photos")
    with pytest.raises(ConflictException, match="'photos' already exists"):
        transact(workspace, create_dataset, ada, "photos")


def test_a_unique_name_is_counted_on(workspace, photos, ada, bob):
    transact(workspace, create_dataset, ada, "photos_2")
    names = [transact(workspace, create_dataset_with_unique_name, ada, "photos").name for _ in range(3)]
    assert names == ["photos_1", "photos_3", "photos_4"]
    assert transact(workspace, create_dataset_with_unique_name, bob, "photos").name == "photos"


@pytest.mark.parametrize(
    "name", ["", "ab", "-abc", "a/b", "../x", "<b>x</b>", "a\nbc", "é été", "x" * 255, None]
)
def test_a_name_that_the_platform_refuses(workspace, ada, name):
    with pytest.raises(BadRequestException, match="cannot be the name of a dataset: write 3 to 254 letters"):
        transact(workspace, create_dataset, ada, name)
    assert seen_by(workspace, ada) == []


def test_a_type_that_there_is_not(workspace, ada):
    with pytest.raises(BadRequestException, match=r"'Movies' is not a type.*'Images', 'Videos', 'Crops'"):
        transact(workspace, create_dataset, ada, "photos", "Movies")


# Who sees what


def test_others_are_answered_as_if_it_were_not_there(workspace, photos, ada, bob):
    def answer(dataset_id: str) -> str:
        with reading(workspace) as session, pytest.raises(NotFoundException) as caught:
            get_dataset(session, bob, dataset_id)
        assert caught.value.status == 404
        return str(caught.value).replace(dataset_id, "ID")

    assert answer(photos.id) == answer(new_id()) == answer("nonsense")
    for function in (delete_dataset, get_shared_users):
        with pytest.raises(NotFoundException, match="there is no dataset with the id"):
            transact(workspace, function, bob, photos.id)
    with pytest.raises(NotFoundException):
        transact(workspace, share_dataset_only_with, bob, photos.id, [bob.email])
    assert seen_by(workspace, bob, shared=None) == []
    assert seen_by(workspace, ada) == ["photos"]


def test_a_shared_dataset_is_seen_and_used_but_its_owner_decides(workspace, photos, ada, bob):
    transact(workspace, share_dataset_only_with, ada, photos.id, [" BOB@example.com"])
    transact(workspace, create_dataset, bob, "bobs own")
    assert seen_by(workspace, bob) == ["bobs own"]
    assert seen_by(workspace, bob, shared=True) == ["photos"]
    assert seen_by(workspace, bob, shared=None) == ["photos", "bobs own"]
    assert seen_by(workspace, ada, shared=True) == []

    def tag(session):
        create_run_tag(session, get_dataset(session, bob, photos.id), ["a.jpg"])

    transact(workspace, tag)
    with reading(workspace) as session:
        assert get_shared_users(session, bob, photos.id) == ["bob@example.com"]
    for refused in (
        lambda session: delete_dataset(session, bob, photos.id),
        lambda session: share_dataset_only_with(session, bob, photos.id, ["eve@example.com"]),
    ):
        with pytest.raises(
            ForbiddenException, match=r"'photos' is shared with you.*up to its owner"
        ) as caught:
            transact(workspace, refused)
        assert caught.value.status == 403


def test_the_list_of_shared_users_is_replaced(workspace, photos, ada, bob):
    def share(*emails: str) -> list[str]:
        transact(workspace, share_dataset_only_with, ada, photos.id, list(emails))
        with reading(workspace) as session:
            return get_shared_users(session, ada, photos.id)

    assert share("user@something.com") == ["user@something.com"]
    both = share("user@something.com", "bob@example.com", "Bob@Example.com", ada.email)
    assert both == ["bob@example.com", "user@something.com"]
    assert seen_by(workspace, bob, shared=True) == ["photos"]
    assert share() == []
    assert seen_by(workspace, bob, shared=None) == []


def test_one_can_share_with_who_comes_later(workspace, photos, ada):
    from lightly_nb.workspace.users.users import add_user

    transact(workspace, share_dataset_only_with, ada, photos.id, ["later@example.com"])
    later, _ = transact(workspace, add_user, "later@example.com")
    assert seen_by(workspace, later, shared=True) == ["photos"]


@pytest.mark.parametrize("emails", [["bob@example.com", "not an address"], "bob@example.com", [None]])
def test_a_malformed_list_changes_nothing(workspace, photos, ada, emails):
    transact(workspace, share_dataset_only_with, ada, photos.id, ["user@something.com"])
    with pytest.raises(BadRequestException, match=r"not an e-mail address|is a list of e-mail addresses"):
        transact(workspace, share_dataset_only_with, ada, photos.id, emails)
    with reading(workspace) as session:
        assert get_shared_users(session, ada, photos.id) == ["user@something.com"]


# Deleting


def test_deleting_takes_all_that_belongs_to_it_and_nothing_else(workspace, photos, ada, bob):
    kept = transact(workspace, create_dataset, ada, "kept")
    crops = transact(workspace, create_dataset, ada, "photos-crops", "Crops", parent_id=photos.id)

    def fill(session):
        for dataset in (photos, kept):
            share_dataset_only_with(session, ada, dataset.id, [bob.email])
            set_datasource(session, dataset, datasource_settings("LOCAL", relative_path="/photos"))
            run = ComputeRun(dataset_id=dataset.id, owner_id=ada.id, state="COMPLETED")
            session.add(run)
            session.flush()
            session.add(RunStateChange(run_id=run.id, number=0, state="COMPLETED"))
            create_run_tag(session, dataset, ["a.jpg", "b.jpg"], run_id=run.id)
            create_tag_from_filenames(session, dataset, ["a.jpg"], "one")

    def counts(session):
        tables = Base.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) for table in tables}

    transact(workspace, fill)
    with reading(workspace) as session:
        before = counts(session)
    transact(workspace, delete_dataset, ada, photos.id)
    with reading(workspace) as session:
        after = counts(session)
        assert session.get_one(Dataset, crops.id).parent_id is None
        assert session.get_one(User, ada.id).email == ada.email
    of_datasets = {name for name, count in before.items() if count} - {"users", "datasets"}
    assert {name: count * 2 for name, count in after.items() if name in of_datasets} == {
        name: before[name] for name in of_datasets
    }
    assert after["datasets"] == before["datasets"] - 1


def test_a_dataset_with_a_run_at_work_is_not_deleted(workspace, photos, ada):
    def run(session):
        session.add(ComputeRun(dataset_id=photos.id, owner_id=ada.id, state="EMBEDDING"))

    transact(workspace, run)
    with pytest.raises(ConflictException, match=r"is at work on the dataset 'photos': abort it or wait"):
        transact(workspace, delete_dataset, ada, photos.id)
    assert seen_by(workspace, ada) == ["photos"]
