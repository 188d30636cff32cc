"""A signal during what must be whole comes after it, and is not lost."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from lab.engines.uninterrupted import uninterrupted


@pytest.mark.fault("Ctrl-C while the engine makes a container")
def test_ctrl_c_waits_until_the_block_is_over_and_is_then_raised() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    done: list[str] = []
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012 - the signal comes within
            os.kill(os.getpid(), signal.SIGINT)
            done.append("after the signal")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["after the signal"]


def test_without_a_signal_nothing_is_raised_and_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with uninterrupted(), uninterrupted():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_in_another_thread_it_changes_nothing() -> None:
    seen: list[object] = []

    def work() -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
