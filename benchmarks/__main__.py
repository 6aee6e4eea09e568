"""Measure gitassets beside what people would use instead.

    python -m benchmarks                 # everything, which takes an hour on two cores
    python -m benchmarks start reading   # these
    python -m benchmarks --list

What it finds is printed, kept in benchmarks/results/, and written as benchmarks/RESULTS.md with its plots.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from types import ModuleType

from benchmarks.machine import describe_machine
from benchmarks.ratio import Ratio
from benchmarks.results import Section, print_table, write_section
from benchmarks.synthetic import isolate

# The modules of this package that have a function `measure`, in the order in which they run.
NAMES = ("start", "reading", "decisions", "verify", "hooks", "tracking", "sharing", "page", "texts", "install", "build")
_ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"how often each is measured ({_ROUNDS})")
    parser.add_argument("--list", action="store_true", help="say what each benchmark measures")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    if unknown := sorted({*options.names} - {*NAMES}):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    for name in options.names or NAMES:
        module = load(name)
        print(f"{name}: {find_title(module)}", flush=True)
        if not options.list:
            run(name, module, options.rounds, write=not options.no_write)


def load(name: str) -> ModuleType:
    return import_module(f"benchmarks.{name}")


def find_title(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0].removesuffix(".")


def run(name: str, module: ModuleType, rounds: int, *, write: bool) -> None:
    machine = describe_machine()
    with isolate():
        found: list[Ratio] = module.measure(rounds)
    print_table(found)
    if write:
        write_section(Section(name, find_title(module), machine, rounds, tuple(found)))


if __name__ == "__main__":
    main()
