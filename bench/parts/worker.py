"""One contender on one case, in a process of its own, driven over standard input and output.

`steps.py` starts it; it is of no use by hand. Replies are JSON, one a line: first
{"steps", "facts"}, {"absent": why} or {"failed": why}, then for every line read {"seconds": [...]},
the times of the epochs it ran. A line read is how many seconds of work are wanted at least: an
epoch of 5 ms is repeated, so that one hiccup does not decide the figure.
"""

import json
import os
import sys
import time


def main():
    name, threads, case, dtype, cores = json.loads(sys.argv[1])
    # Libraries may print: they get standard error, the replies keep the real standard output.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Before anything is imported that counts the cores it may use: JAX knows no other limit.
    if cores:
        os.sched_setaffinity(0, cores)
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
    from bare import UnavailableError
    from cases import CASES, make_data
    from contenders import EPOCHS

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
