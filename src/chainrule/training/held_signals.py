"""Signals that wait until all ranks can hear of them."""

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class HeldSignals:
    """A context in which the handlers of Ctrl-C and SIGTERM wait for a `look`, or for its end.

    An exception of theirs between two messages would leave other ranks waiting for the second. In
    another thread than the main one, which alone gets signals, it does nothing.
    """

    def __enter__(self) -> "HeldSignals":
        self._before: dict[int, Any] = {}
        self._held: list[tuple[int, FrameType | None]] = []
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if callable(signal.getsignal(number)):
                    self._before[number] = signal.signal(number, self._hold)
        return self

    def _hold(self, number, frame):
        self._held.append((number, frame))

    def look(self) -> None:
        """Call the handlers of what has come."""
        while self._held:
            number, frame = self._held.pop(0)
            self._before[number](number, frame)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.look()
