"""Tags and samples: the right files in the right order, whole or not at all."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.errors import BadRequestException, ConflictException, NotFoundException
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_dataset
from lightly_nb.workspace.data.samples import (
    add_samples,
    count_samples,
    get_filenames,
    get_numbers,
    get_samples,
    set_metas,
)
from lightly_nb.workspace.data.tags import (
    TagOperation,
    bit_mask_of,
    combine_tags,
    combined,
    create_run_tag,
    create_tag_from_filenames,
    delete_tag,
    get_filenames_in_tag,
    get_samples_in_tag,
    get_tag,
    get_tags,
)

NAMES = [f"été/{number}.jpg" for number in (7, 3, 9, 1, 5)]


@pytest.fixture
def initial(workspace, photos):
    return transact(workspace, create_run_tag, photos, NAMES)


def files(workspace, photos, tag, **how) -> list[str]:
    with reading(workspace) as session:
        return get_filenames_in_tag(session, photos, tag, **how)


def test_the_first_run_makes_initial_tag_and_each_further_one_a_tag(workspace, photos):
    first = transact(workspace, create_run_tag, photos, NAMES[:3], name="not used for the first")
    second = transact(workspace, create_run_tag, photos, [NAMES[4], NAMES[0]], name="second")
    third, fourth = (transact(workspace, create_run_tag, photos, NAMES) for _ in range(2))
    assert (first.name, first.prev_tag_id, first.total) == ("initial-tag", None, 3)
    assert (second.name, second.prev_tag_id, second.total) == ("second", first.id, 2)
    assert third.name.startswith("run-20")
    assert fourth.name != third.name
    assert files(workspace, photos, second) == [NAMES[4], NAMES[0]]
    assert files(workspace, photos, fourth) == NAMES
    with reading(workspace) as session:
        assert get_filenames(session, photos) == [*NAMES[:3], NAMES[4], NAMES[3]]
        assert [tag.id for tag in get_tags(session, photos)] == [t.id for t in (fourth, third, second, first)]
        assert get_tag(session, photos, name="second").id == second.id
        assert get_tag(session, photos, tag_id=second.id).name == "second"


def test_a_tag_of_filenames_keeps_their_order_each_once(workspace, photos, initial):
    wanted = [NAMES[3], NAMES[0], NAMES[3]]
    tag = transact(workspace, create_tag_from_filenames, photos, wanted, "some: of=them@home_1.2;x")
    assert files(workspace, photos, tag) == [NAMES[3], NAMES[0]]
    assert (tag.total, tag.prev_tag_id) == (2, initial.id)
    child = transact(workspace, create_tag_from_filenames, photos, wanted[:1], "child", parent_tag_id=tag.id)
    assert child.prev_tag_id == tag.id
    assert files(workspace, photos, tag, exclude_parent_tag=True) == []
    assert files(workspace, photos, initial, exclude_parent_tag=True) == NAMES
    empty = transact(workspace, create_tag_from_filenames, photos, [], "empty")
    assert files(workspace, photos, empty) == []


def test_unknown_filenames_are_named_and_no_tag_is_made(workspace, photos, initial):
    unknown = [f"nowhere/{number}.jpg" for number in range(12)]
    with pytest.raises(
        BadRequestException, match=r"12 of 17 filenames are not in the dataset 'photos'"
    ) as caught:
        transact(workspace, create_tag_from_filenames, photos, [*NAMES, *unknown], "some")
    assert all(repr(name) in str(caught.value) for name in unknown[:10])
    assert unknown[10] not in str(caught.value)
    assert str(caught.value).endswith(f"a filename in it is {NAMES[0]!r}")
    with reading(workspace) as session:
        assert [tag.name for tag in get_tags(session, photos)] == ["initial-tag"]


def test_a_tag_name_that_is_taken_or_none(workspace, photos, initial):
    with pytest.raises(ConflictException, match="already exists a tag with tag_name 'initial-tag'") as caught:
        transact(workspace, create_tag_from_filenames, photos, NAMES, "initial-tag")
    assert isinstance(caught.value, RuntimeError)  # what client 1.5 raises
    for name in ("", "ab", "a/b", "<x>", "-tag", "été", None, "x" * 255, "abc\n"):
        with pytest.raises(BadRequestException, match="cannot be the name of a tag: write 3 to 254"):
            transact(workspace, create_tag_from_filenames, photos, NAMES, name)


def test_before_the_first_run_there_is_no_tag_to_stand_on(workspace, photos):
    with pytest.raises(BadRequestException, match=r"There exists no initial-tag.*run a job first"):
        transact(workspace, create_tag_from_filenames, photos, ["a.jpg"], "some")


def test_an_unknown_tag_is_named_with_those_there_are(workspace, photos, initial, ada):
    other = transact(workspace, create_dataset, ada, "other")
    transact(workspace, create_run_tag, other, ["x.jpg"])
    foreign = transact(workspace, create_tag_from_filenames, other, ["x.jpg"], "foreign")
    with reading(workspace) as session:
        with pytest.raises(NotFoundException, match=r"no tag with the name 'nope'; its tags: 'initial-tag'"):
            get_tag(session, photos, name="nope")
        for tag_id in (foreign.id, "nonsense"):
            with pytest.raises(NotFoundException, match=f"no tag with the id '{tag_id}'"):
                get_tag(session, photos, tag_id=tag_id)
    with pytest.raises(NotFoundException):
        transact(workspace, create_tag_from_filenames, photos, NAMES, "some", parent_tag_id=foreign.id)
    with pytest.raises(NotFoundException):
        transact(workspace, delete_tag, photos, foreign.id, ada)


def test_tags_that_others_stand_on_are_not_deleted(workspace, photos, initial, ada):
    low = transact(workspace, create_tag_from_filenames, photos, NAMES[:3], "low")
    high = transact(workspace, create_tag_from_filenames, photos, NAMES[:2], "high", parent_tag_id=low.id)
    with pytest.raises(ConflictException, match="the tags 'high' stand on the tag 'low': delete them first"):
        transact(workspace, delete_tag, photos, low.id, ada)
    for tag in (high, low):
        transact(workspace, delete_tag, photos, tag.id, ada)
    with pytest.raises(ConflictException, match="the dataset stands on 'initial-tag'"):
        transact(workspace, delete_tag, photos, initial.id, ada)
    assert files(workspace, photos, initial) == NAMES


def test_arithmetic_on_stored_tags(workspace, photos, initial):
    left = transact(workspace, create_tag_from_filenames, photos, [NAMES[2], NAMES[0]], "left")
    right = transact(workspace, create_tag_from_filenames, photos, [NAMES[4], NAMES[0]], "right")

    def result(operation: str, *tags: object) -> list[str]:
        ids = [tag.id for tag in tags]  # type: ignore[attr-defined]
        tag = transact(workspace, combine_tags, photos, operation, ids, f"{operation} of {len(ids)}")
        return files(workspace, photos, tag)

    assert result("UNION", left, right) == [NAMES[2], NAMES[0], NAMES[4]]
    assert result("INTERSECTION", left, right) == [NAMES[0]]
    assert result("DIFFERENCE", left, right) == [NAMES[2]]
    assert result("DIFFERENCE", initial, left, right) == [NAMES[1], NAMES[3]]
    with pytest.raises(BadRequestException, match="there are UNION, INTERSECTION, DIFFERENCE"):
        result("XOR", left, right)
    with pytest.raises(BadRequestException, match="give two tags or more to combine, got 1"):
        result("UNION", left)


_NUMBERS = st.lists(st.integers(0, 40), unique=True, max_size=30)


@given(_NUMBERS, _NUMBERS)
def test_arithmetic_against_python_sets(left, right):
    arrays = [np.array(numbers, dtype=np.uint32) for numbers in (left, right)]
    for array in arrays:
        array.flags.writeable = False
    expected = {
        TagOperation.UNION: [*left, *(number for number in right if number not in set(left))],
        TagOperation.INTERSECTION: [number for number in left if number in set(right)],
        TagOperation.DIFFERENCE: [number for number in left if number not in set(right)],
    }
    for operation, numbers in expected.items():
        result = combined(operation, *arrays)
        assert result.tolist() == numbers
        assert result.dtype == np.uint32


def test_the_bit_mask_is_the_platforms(workspace, photos, initial):
    tag = transact(workspace, create_tag_from_filenames, photos, [NAMES[3], NAMES[0]], "some")
    with reading(workspace) as session:
        assert bit_mask_of(session, photos, tag) == hex(0b01001)
        assert bit_mask_of(session, photos, initial) == hex(0b11111)


def test_two_at_once_make_one_tag_of_a_name(workspace, photos, initial):
    def make() -> None:
        try:
            transact(workspace, create_tag_from_filenames, photos, NAMES, "same")
            ends.append("made")
        except ConflictException:
            ends.append("refused")

    ends: list[str] = []
    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["made", "refused", "refused", "refused"]


def test_a_tag_and_a_dataset_that_was_deleted_meanwhile(workspace, photos, ada):
    from lightly_nb.workspace.data.datasets import delete_dataset

    transact(workspace, delete_dataset, ada, photos.id)

    def as_a_caller_does(session):
        create_run_tag(session, get_dataset(session, ada, photos.id), NAMES)

    with pytest.raises(NotFoundException, match="there is no dataset with the id"):
        transact(workspace, as_a_caller_does)


# Samples


def test_metadata_is_kept_and_replaced_by_name(workspace, photos):
    metas = {NAMES[0]: {"lightly": {"sharpness": 1.5}, "name": "Zoë"}}
    tag = transact(workspace, create_run_tag, photos, NAMES, metas=metas)
    transact(workspace, set_metas, photos, {NAMES[1]: {"n": [1, None]}, NAMES[2]: {}})
    transact(workspace, set_metas, photos, {})
    with reading(workspace) as session:
        rows = get_samples_in_tag(session, photos, tag)
    assert [row.filename for row in rows] == NAMES
    assert [row.meta for row in rows] == [metas[NAMES[0]], {"n": [1, None]}, {}, None, None]
    with pytest.raises(BadRequestException, match="1 of 2 filenames are not in the dataset"):
        transact(workspace, set_metas, photos, {NAMES[0]: {}, "nowhere.jpg": {}})
    with reading(workspace) as session:
        assert get_samples(session, photos)[0].meta == metas[NAMES[0]]


@pytest.mark.parametrize("count", [7_000])
def test_many_samples_are_found_as_few_are(workspace, photos, count):
    """Above and below the size from which all rows are read at once."""
    names = [f"folder {number % 7}/{number:05d} 'quoted\\t\".jpg" for number in range(count)]
    order = np.random.default_rng(0).permutation(count)
    numbers = transact(workspace, add_samples, photos, [names[i] for i in order])
    assert numbers.tolist() == list(range(count))
    again = transact(workspace, add_samples, photos, [*names, "one more.jpg", "one more.jpg"])
    assert again.tolist() == [*np.argsort(order).tolist(), count, count]
    with reading(workspace) as session:
        assert count_samples(session, photos) == count + 1
        for some in (names, names[:10]):
            found = get_numbers(session, photos, some)
            assert [row.filename for row in get_samples(session, photos, found)] == some
