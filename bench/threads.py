"""Time a training step with 1 ... N threads and with as many as the package chooses.

Goals: what it chooses is never more than 5 % slower than the best number, on the cases of
parts/cases.py and on a sweep of widths and batches ([width, width, width, 10], tanh and softmax,
SGD); large keeps 80 % efficiency to 16 threads.

The numbers take turns, in one process, and the least time of each counts. Run it on a machine with
nothing else to do. Of more threads than were measured, the model of parts/scaling.py says what they
bring at worst and at best.

    python bench/threads.py                        # the cases, with 1, 2, 4, ... threads
    python bench/threads.py --sweep --json t.json  # the sweep
    python bench/threads.py --cases large,medium --threads 1,2,3,4,8,16
    python bench/threads.py --markdown docs/threads.md
"""

import numpy as np

from chainrule.checks.threads import available_cores
from parts.cases import CASES, TIMED, Case, make_data
from parts.command import Command, count
from parts.machine import header
from parts.ours import fit_options, network, targets
from parts.output import four_digits, table, write_json, write_page
from parts.scaling import faster

MODELLED = (4, 8, 16)
WIDTHS = (8, 32, 128, 512, 2048)
BATCHES = (1, 16, 128, 1024, 4096)


def sweep(widths, batches):
    """Cases of all widths and batches, but for those that take seconds a step."""
    cases = []
    for width in widths:
        for batch in batches:
            if width**2 * batch <= 2048**2 * 1024:
                sizes = (width, width, width, 10)
                samples = batch * max(2, min(2000, 2**26 // (batch * width)))
                label = f"{width} wide, batch {batch}"
                cases.append(
                    Case(label, sizes, batch, "tanh", "softmax", "log_likelihood", "sgd", samples)
                )
    return cases


def measure(case, numbers, options):
    """Return the least seconds of a step for each number of threads; None: the package's choice."""
    X, Y, labels = make_data(case, np.float32)
    y, given = targets(case, Y, labels), fit_options(case)
    steps = 1 if case.full_batch else case.samples // case.batch

    def trainer(threads):
        net = network(case)
        return lambda epochs: (
            net.fit(X, y, epochs=epochs, threads=threads, **given).seconds.min() / steps
        )

    trainers = [trainer(threads) for threads in numbers]
    epochs = max(1, round(options.seconds / (trainers[0](1) * steps)))
    times = np.array([[one(epochs) for one in trainers] for _ in range(options.rounds)])
    return times.min(axis=0).tolist()


def cases_of(options):
    dense = [name for name, case in TIMED.items() if not case.sparse]
    names = options.cases or ([] if options.sweep else dense)
    few = slice(2 if options.quick else None)
    swept = sweep(WIDTHS[few], BATCHES[few]) if options.sweep else []
    return [*(CASES[name] for name in names), *swept]


def numbers_of_threads(cores):
    return sorted({*(2**i for i in range(9) if 2**i <= cores), cores})


def command():
    quick = {"cases": ["quick", "quick-adam"], "sweep": True, "threads": [1, 2]}
    parser = Command(__doc__, rounds=11, seconds=0.06, files=["json", "markdown"], quick=quick)
    parser.add_names("cases", TIMED, None, "all that are not sparse, or with --sweep none")
    parser.add_argument("--sweep", action="store_true", help="widths and batches")
    parser.add_argument(
        "--threads",
        type=lambda text: [count(n) for n in text.split(",")],
        help="comma-separated numbers (default: 1, 2, 4, ... up to the cores)",
    )
    return parser


def of_more(case, numbers, times):
    """Return {threads: (worst, best)} for more than were measured, times as fast as one thread."""
    of = dict(zip(numbers, times, strict=True))
    return {
        n: faster(case, n, of[1], of[2]) for n in MODELLED if {1, 2} <= of.keys() and n > max(of)
    }


def report(options, results):
    """The page's table: what was measured, what was chosen, and what the model says of more."""
    numbers, more = results[0]["threads"], results[0]["model"]
    head = ["case", *(f"{n} thread{'s' * (n > 1)}, µs" for n in numbers), "chosen, µs"]
    rows = []
    for result in results:
        times = [four_digits(1e6 * t) for t in (*result["seconds"], result["chosen"])]
        ranges = [f"{worst:.1f} to {best:.1f}" for worst, best in result["model"].values()]
        rows.append([result["case"], *times, *ranges])
    text = table([*head, *(f"{n} threads by the model: times one" for n in more)], rows)
    return f"{header(options.about)}\n\n{text}"


def main(options):
    numbers = options.threads or numbers_of_threads(available_cores())
    results = []
    print(header(options.about))
    print(f"{'µs a step, threads':28}", *(f"{n:>10}" for n in numbers), "    chosen  over the best")
    for case in cases_of(options):
        *times, chosen = measure(case, [*numbers, None], options)
        columns = " ".join(f"{1e6 * t:10.2f}" for t in (*times, chosen))
        print(f"{case.label:28} {columns}  {chosen / min(times):8.3f}", flush=True)
        result = {"case": case.label, "threads": numbers, "seconds": times, "chosen": chosen}
        results.append({**result, "model": of_more(case, numbers, times)})
    write_json(options.json, options.about, results=results)
    if options.markdown:
        write_page(options.markdown, report(options, results))


if __name__ == "__main__":
    command().run(main)
