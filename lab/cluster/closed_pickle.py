"""Dask without code from others: its messages may hold the one task of this lab, and no other object of Python's.

Dask sends functions and their arguments as pickles, and a pickle can call whatever it names. So the names are closed:
an unpickler that finds any other one refuses the message (`pickle.Unpickler.find_class`, "Restricting Globals"). What
may be named builds a task out of bytes; the task decodes them as a question of `lab.cluster.questions`. Requests
that carry files or functions otherwise are not answered.
"""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Container, Iterable
from typing import Any

ALLOWED = frozenset(
    {
        ("builtins", "bytes"),
        ("dask._expr", "Expr._reconstruct"),
        ("dask._expr", "LLGExpr"),
        ("dask._task_spec", "Task"),
        ("lab.cluster.dask_task", "answer"),
    }
)
"""Every name that a message may hold."""

HANDLERS_OF_HOSTS = frozenset({"connection_stream", "free_keys", "gather", "get_data", "identity", "ping"})
HANDLERS_OF_THE_SCHEDULER = frozenset(
    {"add_keys", "connection_stream", "gather", "heartbeat_worker", "identity", "register-client", "register-worker"}
    | {"unregister", "versions"}
)
"""The requests that each side answers; Dask's others take files or functions, or end a process."""


class _Unpickler(pickle.Unpickler):
    """Refuses every name but the allowed ones."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """See `pickle.Unpickler.find_class`."""
        if (module_name, global_name) not in ALLOWED:
            raise pickle.UnpicklingError(f"a message names {module_name}.{global_name}, which is none of this lab's")
        return super().find_class(module_name, global_name)


def loads(content: bytes, /, *, buffers: Iterable[Any] = (), **_: object) -> Any:
    """What `pickle.loads` gives for the messages of this lab.

    Raises:
        pickle.UnpicklingError: the pickle names something else.
    """
    return _Unpickler(io.BytesIO(content), buffers=buffers).load()


def keep_only(handlers: dict[str, Any], kept: Container[str]) -> None:
    """Take away the handlers of a server that are not among these."""
    for name in [name for name in handlers if name not in kept]:
        del handlers[name]


def close() -> None:
    """Have Dask read pickles of this lab only, in this process, from now on."""
    import distributed.client  # noqa: PLC0415 - an extra
    import distributed.protocol.pickle  # noqa: PLC0415
    import distributed.scheduler  # noqa: PLC0415

    closed = types.ModuleType("pickle")
    vars(closed).update(vars(pickle))
    vars(closed)["loads"] = loads
    for module in (distributed.protocol.pickle, distributed.scheduler, distributed.client):
        vars(module)["pickle"] = closed
