"""Who asks: tokens, and the user of a machine's login."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    UnauthorizedException,
)
from lightly_nb.workspace import open_workspace, reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_dataset, get_datasets
from lightly_nb.workspace.data.sharing import get_shared_users, share_dataset_only_with
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, User
from lightly_nb.workspace.users.users import (
    add_user,
    authenticate,
    checked_email,
    get_users,
    remove_user,
    rotate_token,
)


def test_a_token_is_its_users(workspace, ada):
    bob, token = transact(workspace, add_user, " Bob@Example.COM ")
    assert bob.email == "bob@example.com"
    assert authenticate(workspace, token).id == bob.id
    assert authenticate(workspace, token.get_secret_value()).id == bob.id
    assert len(token.get_secret_value()) == 4 + 64


@pytest.mark.parametrize("token", ["MY_AWESOME_TOKEN", "lnb_" + "0" * 64, "x" * 10_000, "é\ud800", " "])
def test_a_wrong_token_is_refused_and_not_repeated(workspace, ada, token):
    with pytest.raises(
        UnauthorizedException, match=r"this token is not one of the workspace.*user add"
    ) as caught:
        authenticate(workspace, token)
    assert caught.value.status == 401
    assert len(token) < 2 or token not in str(caught.value)


def test_a_wrong_token_is_refused_on_a_new_local_store_too(tmp_path):
    with pytest.raises(UnauthorizedException, match="this token is not one"):
        authenticate(open_workspace(tmp_path), "MY_AWESOME_TOKEN")


def test_only_the_hash_of_a_token_is_stored(tmp_path, caplog):
    caplog.set_level("DEBUG")
    workspace = open_workspace(tmp_path)
    user, token = transact(workspace, add_user, "ada@example.com")
    text = token.get_secret_value()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert user.email.encode() in stored
    assert text.encode() not in stored
    assert text not in f"{user!r}{token!r}{token}{vars(user)}{caplog.text}"


def test_a_new_token_replaces_the_old_one(workspace, ada):
    old = transact(workspace, rotate_token, ada.email)
    new = transact(workspace, rotate_token, "ADA@example.com")
    assert authenticate(workspace, new).id == ada.id
    with pytest.raises(UnauthorizedException):
        authenticate(workspace, old)


def test_an_e_mail_address_is_one_users(workspace, ada):
    with pytest.raises(ConflictException, match=r"there is a user ada@example.com already.*rotate"):
        transact(workspace, add_user, "Ada@example.com")


MALFORMED: list[Any] = [
    *("", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c", "a@-b.com", "a@b..c", None, 7),
    *("a@b.c\nBcc: d@e.f", "a" * 65 + "@b.c", "a@" + "b." * 130 + "c", "<ada@example.com>", "é@example.com"),
]


def test_a_malformed_e_mail_address_is_refused(workspace):
    for email in MALFORMED:
        with pytest.raises(BadRequestException, match="is not an e-mail address; write it like"):
            transact(workspace, add_user, email)
    with reading(workspace) as session:
        assert get_users(session) == []


_WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)


@given(
    st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=64),
    st.lists(_WORDS, min_size=1, max_size=5),
)
def test_ordinary_addresses_are_accepted_in_one_form(name, labels):
    address = f"{name}@{'.'.join(labels)}"
    assert checked_email(f" {address}\n") == address.lower() == checked_email(address.upper())


def test_users_are_listed_and_removed(workspace, ada, bob):
    token = transact(workspace, rotate_token, bob.email)
    with reading(workspace) as session:
        assert [user.email for user in get_users(session)] == ["ada@example.com", "bob@example.com"]
    transact(workspace, remove_user, bob.email)
    with reading(workspace) as session:
        assert [user.email for user in get_users(session)] == ["ada@example.com"]
    with pytest.raises(UnauthorizedException):
        authenticate(workspace, token)
    with pytest.raises(NotFoundException, match=r"there is no user bob@example.com"):
        transact(workspace, remove_user, bob.email)


def test_who_owns_datasets_is_removed_only_with_them(workspace, photos, ada):
    with pytest.raises(ConflictException, match=r"owns 1 datasets \('photos'\).*--with-datasets"):
        transact(workspace, remove_user, ada.email)
    transact(workspace, remove_user, ada.email, with_datasets=True)
    with reading(workspace) as session:
        assert session.scalars(select(Dataset)).all() == []


def test_what_a_removed_user_did_for_others_stays_and_access_ends(workspace, photos, ada, bob):
    transact(workspace, share_dataset_only_with, ada, photos.id, [bob.email])

    def run(session):
        session.add(ComputeRun(dataset_id=photos.id, owner_id=bob.id, state="COMPLETED"))

    transact(workspace, run)
    transact(workspace, remove_user, bob.email)
    with reading(workspace) as session:
        assert session.scalars(select(ComputeRun.owner_id)).all() == [ada.id]
        assert get_shared_users(session, ada, photos.id) == []
    again, _ = transact(workspace, add_user, bob.email)
    with reading(workspace) as session, pytest.raises(NotFoundException):
        get_dataset(session, again, photos.id)


# Without a token


def test_on_ones_own_machine_no_token_is_needed(tmp_path):
    workspace = open_workspace(tmp_path)
    me = authenticate(workspace)
    transact(workspace, create_dataset, me, "photos")
    again = authenticate(open_workspace(tmp_path), "")
    assert again.id == me.id
    assert again.email.endswith("@localhost")
    with reading(workspace) as session:
        assert [dataset.name for dataset in get_datasets(session, again)] == ["photos"]


def test_a_login_gets_a_token_and_keeps_what_it_did(tmp_path):
    workspace = open_workspace(tmp_path)
    me = authenticate(workspace)
    with_token, token = transact(workspace, add_user, "me@example.com", me=True)
    assert authenticate(workspace, token).id == authenticate(workspace).id == with_token.id == me.id
    with pytest.raises(ConflictException, match=r"this login is the user me@example.com already"):
        transact(workspace, add_user, "me2@example.com", me=True)


def test_another_user_does_not_take_over_what_a_login_did(tmp_path):
    workspace = open_workspace(tmp_path)
    me = authenticate(workspace)
    colleague, token = transact(workspace, add_user, "colleague@example.com")
    assert authenticate(workspace, token).id == colleague.id != me.id
    assert authenticate(workspace).id == me.id


def test_a_local_store_whose_users_have_tokens_needs_one(tmp_path):
    workspace = open_workspace(tmp_path)
    transact(workspace, add_user, "colleague@example.com")
    with pytest.raises(UnauthorizedException, match="needs a token: pass token="):
        authenticate(workspace)


def test_a_server_always_needs_a_token(postgres_url):
    workspace = open_workspace(postgres_url)
    with pytest.raises(UnauthorizedException, match=r"needs a token: pass token=.*LIGHTLY_TOKEN"):
        authenticate(workspace)
    with pytest.raises(BadRequestException, match="only on a workspace in a folder"):
        transact(workspace, add_user, "me@example.com", me=True)
    workspace.engine.dispose()


def test_an_account_without_a_name_works(tmp_path, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert authenticate(open_workspace(tmp_path)).email == "uid4000000000@localhost"


def test_a_login_with_odd_characters_works(tmp_path, monkeypatch):
    monkeypatch.setattr("lightly_nb.workspace.users.users._login", lambda: "OFFICE\\Ada Löw")
    user = authenticate(open_workspace(tmp_path))
    assert user.email == checked_email(user.email) == "office-ada-l-w@localhost"
    assert isinstance(user, User)
