"""Ctrl-C where a test wants it: after some processor time, or at a line of the package.

A signal raised by the test itself wants the fixture `ctrl_c`, which has SIGINT mean what it does in
a shell.
"""

import itertools
import os
import signal
import sys
import time
from contextlib import contextmanager

import pytest

import chainrule

PACKAGE = os.path.dirname(chainrule.__file__)


@contextmanager
def signal_after(seconds, handler=signal.default_int_handler):
    """Have `handler` called after so many seconds of processor time."""
    before = signal.signal(signal.SIGPROF, handler)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def time_to_stop(call, after=0.1):
    """Processor seconds from a Ctrl-C during `call` to the KeyboardInterrupt."""
    start = time.process_time()
    with pytest.raises(KeyboardInterrupt), signal_after(after):
        call()
    return time.process_time() - start - after


def lines_of(call, interrupt_at=None):
    """Run `call` and count the lines of the package it goes through.

    At line number `interrupt_at` comes a Ctrl-C.
    """
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            count += 1
            if count == interrupt_at:
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    handler = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell may have it ignored
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
        signal.signal(signal.SIGINT, handler)
    return count


def interrupted_at_each_line(begin):
    """Yield (line, made) for lines 1, 2, ..., each after a Ctrl-C at that line of a call.

    begin() returns what is made anew for each, and the call. It ends with the first call that is
    over before its line: some have fewer lines than others, since what is cached is made once.
    """
    for line in itertools.count(1):
        made, call = begin()
        try:
            reached = lines_of(call, interrupt_at=line)
        except KeyboardInterrupt:
            yield line, made
        else:
            assert reached < line, f"the Ctrl-C at line {line} was swallowed"
            return
