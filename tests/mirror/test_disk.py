"""A disk that fails at any statement of an update, or a process that is killed there."""

import os
from errno import ENOSPC

import duckdb
import pytest
from fakes.budget import STEP
from fakes.disks import every_call

LINE = {"procedures": 2, "runs": 6}


class Connection:
    """A connection whose statements are calls of a disk."""

    def __init__(self, connection, disk):
        self._connection, self._disk = connection, disk

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, *parameters):
        self._disk.call(sql, error=duckdb.IOException(f"IO Error: cannot write: {os.strerror(ENOSPC)}"))
        return self._connection.execute(sql, *parameters)


@pytest.mark.parametrize("is_killed", [False, True], ids=["fails", "killed"])
def test_an_update_completes_what_another_one_left(pull, sandbox, query, ids, tmp_path, monkeypatch, is_killed):
    """Each row that the server lists is there once, and no row is marked as gone."""
    connect, path = duckdb.connect, tmp_path / "folder" / "line.duckdb"
    wanted = {name: ids(getattr(sandbox, name)) for name in ("procedures", "runs", "measurements")}
    for disk in every_call(path.parent, is_killed=is_killed, step=1 if STEP == 1 else 3 * STEP):
        with monkeypatch.context() as patch, disk:
            patch.setattr(duckdb, "connect", lambda *some, disk=disk, **more: Connection(connect(*some, **more), disk))
            pull(*wanted, path=path)
        results = pull(*wanted, path=path)
        for name, keys in wanted.items():
            found = query(f"SELECT id FROM {name} WHERE _gone_at IS NULL ORDER BY id", path=path)  # noqa: S608 - a listing's name
            assert [key for (key,) in found] == keys, disk.calls
            assert (results[name].rows, results[name].gone) == (len(keys), 0), disk.calls
        assert {one.name for one in path.parent.iterdir()} == {path.name}, disk.calls
