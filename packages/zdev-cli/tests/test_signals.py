"""No signal is lost, however many come before one is taken."""

from __future__ import annotations

import os
import signal

from zdev_cli._signals import StopSignals

STORM = 20_000  # more than a pipe holds


def test_a_signal_after_a_storm_of_others_is_taken_and_the_others_are_one() -> None:
    with StopSignals(signal.SIGHUP) as signals:
        for _ in range(STORM):
            os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        assert [signals.take(5) for _ in range(2)] == [signal.SIGHUP, signal.SIGTERM]


def test_a_second_signal_to_end_is_a_signal_of_its_own() -> None:
    with StopSignals() as signals:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        assert [signals.take(5) for _ in range(2)] == [signal.SIGTERM, signal.SIGTERM]


def test_a_signal_that_is_not_asked_for_is_kept() -> None:
    with StopSignals(signal.SIGHUP) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.take(0, [signal.SIGTERM]) is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.take(5, [signal.SIGTERM]) == signal.SIGTERM
        assert signals.take(5) == signal.SIGHUP
