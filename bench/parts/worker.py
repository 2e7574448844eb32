"""One contender on one case, in a process of its own, and the end of it that others hold.

They talk over standard input and output. Replies are JSON, one a line: first {"steps", "facts"},
{"absent": why} or {"failed": why}, then for every line read {"seconds": [...]}, the times of the
epochs it ran. A line read is how many seconds of work are wanted at least: an epoch of 5 ms is
repeated, so that one hiccup does not decide the figure.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from parts.environment import for_threads
from parts.machine import pin

BENCH = Path(__file__).resolve().parents[1]


class Worker:
    """A run on a case, in its own process; `entry` is its part of the results.

    `cores` are those that may be used, the last of them by a run with one thread, and
    `own_choice` is how many threads a run may have that names no number.
    """

    def __init__(self, run, case, dtype, cores, own_choice):
        cores = cores[-1:] if run.threads == 1 else cores
        specification = json.dumps([*run, case, dtype, cores])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "parts.worker", specification],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=BENCH,
            env=for_threads(run.threads or own_choice),
        )
        self.entry = self.reply()
        if self.alive:
            self.entry["rounds"] = []

    @property
    def alive(self):
        return "steps" in self.entry

    def reply(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        return {"failed": f"its process ended with status {self.process.wait()}"}

    def train(self, seconds):
        """At least `seconds` of whole epochs; their times join the entry."""
        with suppress(BrokenPipeError):  # it has ended: the reply tells how
            self.process.stdin.write(f"{seconds}\n")
        answer = self.reply()
        if "seconds" in answer:
            self.entry["rounds"].append(answer["seconds"])
        else:
            self.entry = answer

    def close(self):
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main():
    name, threads, case, dtype, cores = json.loads(sys.argv[1])
    # Libraries may print: they get standard error, the replies keep the real standard output.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Before anything is imported that counts the cores it may use: JAX knows no other limit.
    pin(cores)
    epoch, ready = prepare(name, threads, case, dtype)
    print(json.dumps(ready), file=replies)
    for line in sys.stdin if epoch else ():
        wanted, seconds = float(line), []
        while sum(seconds) < wanted or not seconds:
            start = time.perf_counter()
            epoch()
            seconds.append(time.perf_counter() - start)
        print(json.dumps({"seconds": seconds}), file=replies)


def prepare(name, threads, case, dtype):
    """The epoch to time, or None, and the first reply."""
    import numpy as np

    from parts.cases import CASES, make_data
    from parts.command import UnavailableError
    from parts.contenders import EPOCHS

    try:
        data = make_data(CASES[case], np.dtype(dtype))
        epoch, steps, facts = EPOCHS[name](CASES[case], data, threads)
        epoch()  # compiles, fills caches and pools
    except (ImportError, UnavailableError) as why:
        return None, {"absent": str(why)}
    except Exception as why:  # whatever it is, the others go on
        return None, {"failed": f"{type(why).__name__}: {why}"}
    return epoch, {"steps": steps, "facts": facts}


if __name__ == "__main__":
    main()
