"""The command line `aiimaging`: one study in, native results out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import import_module

from AIImagingLogic.cli.arguments import make_parser
from AIImagingLogic.cli.terminal import Terminal
from AIImagingLogic.jobs.error_form import out_of_memory
from AIImagingLogic.records.errors import AIImagingError, Cancelled, JobFailed, OutOfMemory


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 when it did what was asked, else one line on standard error says why.

    Exit codes: 1 unexpected, 2 wrong usage, 3 unreadable input, 4 geometry, 5 wrong kind of image, 6 registration,
    7 model, 8 output, 9 scene, 10 out of memory, 11 worker lost, 130 cancelled.
    """
    arguments = make_parser().parse_args(argv)
    terminal = Terminal(quiet=arguments.quiet, verbose=arguments.verbose, as_json=arguments.json)
    try:
        command = import_module(f"AIImagingLogic.cli.{arguments.command}")
        answer = command.run(arguments, terminal)
    except KeyboardInterrupt:
        return _fail(Cancelled(), Cancelled.exit_code, terminal)
    except AIImagingError as error:
        if arguments.verbose and isinstance(error, JobFailed):
            terminal.detail(error.details)
        return _fail(error, error.exit_code, terminal)
    except MemoryError:
        return _fail(out_of_memory(), OutOfMemory.exit_code, terminal)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last stop: a person must never see a traceback unasked
        if arguments.verbose:
            raise
        what = f"Unexpected {type(error).__name__}: {error}".splitlines()[0]
        return _fail(f"{what}. Run again with -v and report what it prints.", 1, terminal)
    if arguments.json:
        json.dump(answer, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    return 0


def _fail(error: AIImagingError | str, code: int, terminal: Terminal) -> int:
    terminal.error(str(error).replace("\n", " "))
    return code
