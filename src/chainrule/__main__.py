"""The command `chainrule`."""

import argparse
import math
import os
import sys

import chainrule


def main(argv=None):
    """Run the command with the arguments `argv` (of the process by default); returns its status.

    0 is success, 1 a check that failed, 2 a wrong argument, a missing extra or a file that cannot
    be read or written (with one line on stderr), 130 an interrupt. Where nobody reads stdout any
    more, as of ``| head``, it ends quietly with 0.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        status = arguments.command(arguments) or 0
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("chainrule: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tells at exit
        return 0
    except MemoryError:
        print("chainrule: error: this takes more memory than there is", file=sys.stderr)
        return 2
    except (ImportError, OSError, ValueError) as error:
        print(f"chainrule: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _parser():
    parser = argparse.ArgumentParser(
        prog="chainrule", description="Feedforward neural networks at the speed of the hardware."
    )
    parser.set_defaults(command=None)
    parser.add_argument("--version", action="version", version=f"chainrule {chainrule.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="train a network on handwritten digits",
        description="Train a network on handwritten digits; write digits.npz and digits.png.",
    )
    demo.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="folder of the MNIST files, or the book's mnist.pkl.gz "
        "(default: scikit-learn's bundled 8x8 digits)",
    )
    demo.add_argument("--epochs", type=_positive, metavar="N", default=30, help="default: 30")
    demo.add_argument(
        "--output", metavar="DIR", default=".", help="folder to write to (default: this one)"
    )
    demo.set_defaults(command=_demo)

    check = commands.add_parser(
        "check",
        help="check in some seconds that the core computes right on this machine",
        description="Compare the compiled core with plain loops on this machine, in float32 and "
        "float64 and with each instruction set of the processor. Ends with status 1 if any differ.",
    )
    check.add_argument("--simd", metavar="NAME", help="baseline, avx2, avx512 or avx512bf16 alone")
    check.set_defaults(command=_check)

    _add_train(commands)
    _add_predict(commands)
    _add_evaluate(commands)

    export = commands.add_parser(
        "export",
        help="write a model for another tool",
        description="Write a model as a file of another tool, by the ending of its name: .onnx, "
        ".c, .js, .mjs, .html or .safetensors.",
    )
    _add_model(export)
    export.add_argument("output", metavar="OUT", help="the file to write")
    export.add_argument("--name", metavar="NAME", help="what functions in C are called")
    export.set_defaults(command=_export)

    info = commands.add_parser(
        "info",
        help="show versions, BLAS and SIMD in use; or what a model is",
        description="Show the versions and what does the work here, to be pasted into a report; or "
        "of a model file what it holds.",
    )
    info.add_argument("model", metavar="MODEL", nargs="?", help="a model file")
    info.set_defaults(command=_info)
    return parser


# ---------------------------------------------------------------- tables


def _add_train(commands):
    train = commands.add_parser(
        "train",
        usage="%(prog)s TABLE --target COLUMN -o MODEL [options]",
        help="learn from a table to predict one of its columns",
        description="Learn from a table to predict one of its columns by the others, tell how good "
        "the predictions are on rows kept back, and write the model to a file. Words, dates and "
        "holes may stay as they are.",
        epilog="example: chainrule train penguins.csv --target sex -o sex.npz --picture sex.png",
    )
    _add_data(train)
    train.add_argument("--target", metavar="COLUMN", required=True, help="the column to predict")
    train.add_argument(
        "-o", "--output", metavar="MODEL", required=True, help="the model file to write"
    )
    learning = train.add_argument_group("how to learn")
    learning.add_argument(
        "--preset",
        choices=("fast", "default", "best"),
        default="default",
        help="the longer it takes, the better (default: default)",
    )
    learning.add_argument(
        "--task",
        choices=("auto", "classes", "values"),
        default="auto",
        help="whether the target is which one or how much; auto: classes for words, truth values "
        "and up to 10 different whole numbers (default: auto)",
    )
    learning.add_argument(
        "--drop", metavar="COLUMN", nargs="+", action="extend", default=[], help="leave columns out"
    )
    learning.add_argument(
        "--categorical",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        default=[],
        help="columns of numbers that are names of something, such as codes",
    )
    learning.add_argument(
        "--validation",
        metavar="PART",
        type=_validation,
        default=0.2,
        help="the part of the rows that is kept back to tell how good the model is, 0 for none; or "
        "a file with other rows (default: 0.2)",
    )
    learning.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        default=0,
        help="the same number, the same model (default: 0)",
    )
    learning.add_argument(
        "--time-limit", metavar="S", type=_seconds, help="about how many seconds it may take"
    )
    learning.add_argument(
        "--threads", metavar="N", type=_positive, help="default: as many as there are cores"
    )
    train.add_argument(
        "--picture", metavar="FILE", help="write a picture of the results (.png, .svg or .pdf)"
    )
    _add_layout(train)
    train.set_defaults(command=_train)


def _add_predict(commands):
    predict = commands.add_parser(
        "predict",
        usage="%(prog)s MODEL TABLE [options]",
        help="predict the rows of a table",
        description="Write what a model predicts of each row of a table, as CSV in the order of "
        "the rows. The table may be larger than memory.",
        epilog="example: chainrule predict sex.npz new.csv --keep island --proba -o answers.csv",
    )
    _add_model(predict)
    _add_data(predict)
    predict.add_argument(
        "-o", "--output", metavar="FILE", help="the CSV file to write (default: stdout)"
    )
    predict.add_argument(
        "--proba", action="store_true", help="write the probability of each class, too"
    )
    predict.add_argument(
        "--keep",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        default=[],
        help="columns of the table to write before the predictions",
    )
    _add_layout(predict)
    predict.set_defaults(command=_predict)


def _add_evaluate(commands):
    evaluate = commands.add_parser(
        "evaluate",
        usage="%(prog)s MODEL TABLE [options]",
        help="tell how good a model is on a table with known answers",
        description="Compare what a model predicts with a column of the table. The table may be "
        "larger than memory.",
    )
    _add_model(evaluate)
    _add_data(evaluate)
    evaluate.add_argument(
        "--target", metavar="COLUMN", help="the right answers (default: what it was trained for)"
    )
    _add_layout(evaluate)
    evaluate.set_defaults(command=_evaluate)


def _add_model(command):
    command.add_argument("model", metavar="MODEL", help="a model file")


def _add_data(command):
    command.add_argument(
        "data",
        metavar="TABLE",
        help="a CSV file (.csv, .tsv) or a Parquet file (.parquet); - for CSV from stdin",
    )


def _add_layout(command):
    layout = command.add_argument_group("how the CSV file is written")
    layout.add_argument(
        "--separator",
        metavar="C",
        type=_separator,
        help="between the fields (default: what divides the first line: , ; tab or |)",
    )
    layout.add_argument(
        "--decimal",
        metavar="C",
        choices=(".", ","),
        default=".",
        help="before decimals, . or , (default: .)",
    )
    layout.add_argument(
        "--encoding", metavar="NAME", default="utf-8", help="of the text (default: utf-8)"
    )
    layout.add_argument(
        "--no-header",
        action="store_true",
        help="the first line has no names; the columns are called c1, c2, ...",
    )


# ---------------------------------------------------------------- values of options


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return seconds


def _seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number below 2**32, got {text!r}")
    return int(text)


def _validation(text):
    try:
        part = float(text)
    except ValueError:
        return text
    if not 0 <= part < 1:
        raise argparse.ArgumentTypeError(f"expected a part from 0 to below 1, got {text!r}")
    return part


def _separator(text):
    found = "\t" if text in ("tab", "\\t") else text
    if len(found) != 1 or found in '"\r\n':
        raise argparse.ArgumentTypeError(f"expected one character, or tab; got {text!r}")
    return found


# ---------------------------------------------------------------- commands


def _demo(arguments):
    from chainrule.course.demo import run_demo

    run_demo(arguments.data, epochs=arguments.epochs, output=arguments.output)


def _check(arguments):
    from chainrule.command.check import run_checks

    return run_checks(arguments.simd)


def _train(arguments):
    from chainrule.command.train import run_train

    run_train(
        arguments.data,
        arguments.target,
        arguments.output,
        preset=arguments.preset,
        task=arguments.task,
        drop=arguments.drop,
        categorical=arguments.categorical,
        validation=arguments.validation,
        seed=arguments.seed,
        time_limit=arguments.time_limit,
        threads=arguments.threads,
        picture=arguments.picture,
        layout=_layout(arguments),
    )


def _predict(arguments):
    from chainrule.command.predict import run_predict

    run_predict(
        arguments.model,
        arguments.data,
        arguments.output,
        arguments.proba,
        arguments.keep,
        _layout(arguments),
    )


def _evaluate(arguments):
    from chainrule.command.evaluate import run_evaluate

    run_evaluate(arguments.model, arguments.data, arguments.target, _layout(arguments))


def _export(arguments):
    from chainrule.command.export import run_export

    run_export(arguments.model, arguments.output, arguments.name)


def _info(arguments):
    from chainrule.command.info import run_info

    run_info(arguments.model)


def _layout(arguments):
    from chainrule.command.csv_file import Layout

    return Layout(
        arguments.separator, arguments.decimal, arguments.encoding, not arguments.no_header
    )


if __name__ == "__main__":
    sys.exit(main())
