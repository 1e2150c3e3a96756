"""The local platform: users, datasets, datasources, tags and runs in a store that is yours.

Shape of the room
-----------------
`schema` holds the tables as typed models. Every function of this room that reads or changes them takes an
open `Session` first and, where rights matter, the `User` who asks second; none commits. A caller decides
what one transaction is:

    workspace = open_workspace()                          # ./.lightly_nb, LIGHTLY_NB_HOME or LIGHTLY_NB_URL
    user = authenticate(workspace, token)                 # the gate; it alone takes the workspace
    dataset = transact(workspace, create_dataset, user, "photos")  # one call, one transaction, retried
    with reading(workspace) as session:                   # several reads of one moment
        datasets = get_datasets(session, user)

    def finish(session):                                  # several changes: all of them or none
        dataset = get_dataset(session, user, dataset_id)
        create_run_tag(session, dataset, filenames, run_id=run_id)
        session.get_one(ComputeRun, run_id).state = RunState.COMPLETED
    transact(workspace, finish)

A `Dataset` is got from `get_dataset(session, user, id)` alone, so who holds one was let in: functions on
tags, samples and datasources take it and ask no further.

`transact` may call its function again when another process was in the way, so the function must do nothing
but change the store. Rows are usable after the transaction (they are detached, their values loaded).
On SQLite a writing transaction takes the write lock at once; on a server it is serializable.
Every refusal is an `ApiException` with a `status`; a store that does not work is a `WorkspaceError`.
"""

from lightly_nb.workspace.store.store import Workspace, open_workspace, reading, transact, writing
from lightly_nb.workspace.work.background import Worker

__all__ = ["Worker", "Workspace", "open_workspace", "reading", "transact", "writing"]
