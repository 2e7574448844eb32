"""The command `chainrule`."""

import argparse
import platform
import sys

import chainrule


def main(argv=None):
    """Run the command with the arguments `argv` (of the process by default); returns its status.

    0 is success, 1 a check that failed, 2 a wrong argument, a missing extra or a file that cannot
    be read or written (with one line on stderr), 130 an interrupt.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        return arguments.command(arguments) or 0
    except KeyboardInterrupt:
        print("chainrule: stopped", file=sys.stderr)
        return 130
    except (ImportError, OSError, ValueError) as error:
        print(f"chainrule: error: {error}", file=sys.stderr)
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
    check.add_argument("--simd", metavar="NAME", help="baseline, avx2 or avx512 alone")
    check.set_defaults(command=_check)

    info = commands.add_parser("info", help="show versions, BLAS and SIMD in use")
    info.set_defaults(command=_info)
    return parser


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _demo(arguments):
    from chainrule.course.demo import run_demo

    run_demo(arguments.data, epochs=arguments.epochs, output=arguments.output)


def _check(arguments):
    from chainrule.command.check import run_checks

    return run_checks(arguments.simd)


def _info(arguments):
    import numpy

    from chainrule.core import _core

    print(f"chainrule  {chainrule.__version__}")
    print(f"BLAS       {_core.blas_name()}")
    print(f"SIMD       {_core.simd_name()}")
    print(f"NumPy      {numpy.__version__}")
    print(f"Python     {platform.python_version()} on {platform.system()} {platform.machine()}")


if __name__ == "__main__":
    sys.exit(main())
