"""python3 -m strata_plots RESULT_DIR [RESULT_DIR] [--out DIR]: figures/*.png and report.html. Exit codes: 0 done, 2 usage, 3 data, 6 file."""
import argparse
import sys

from . import plot
from .errors import PlotError


class Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"strata_plots: {message}; see python3 -m strata_plots --help", file=sys.stderr)
        sys.exit(2)


def parser():
    made = Parser(prog="strata_plots", description="Draws figures/*.png and report.html from the result folders of strata.")
    made.add_argument("results", nargs="+", metavar="RESULT_DIR",
                      help="a result folder (trace.h5, summary.json) of surprise_recovery or belief_inertia, or a trace.h5; two make one joint report")
    made.add_argument("--out", metavar="DIR", help="where figures/ and report.html go (default: the first result folder)")
    made.add_argument("--interactive", action="store_true", help="add curves to point at, by plotly (4 to 9 MB more; needs python3-plotly)")
    made.add_argument("--quiet", action="store_true", help="do not list what was written")
    return made


def main(arguments=None):
    given = parser().parse_args(arguments)
    try:
        written = plot(given.results, given.out, given.interactive)
    except PlotError as problem:
        print(f"strata_plots: {problem}", file=sys.stderr)
        return problem.exit_code
    except ImportError as missing:
        print(f"strata_plots: {sys.executable} has no module {missing.name}; install it (apt-get install python3-h5py python3-matplotlib, for "
              "/usr/bin/python3) or name by STRATA_PYTHON an interpreter that has it", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("strata_plots: interrupted", file=sys.stderr)
        return 130
    if not given.quiet:
        print("\n".join(written))
    return 0


if __name__ == "__main__":
    sys.exit(main())
