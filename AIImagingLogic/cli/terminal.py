"""What the commands say: progress and warnings on standard error, results on standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from AIImagingLogic.records.progress import Progress


class Terminal:
    """The person's screen, or a pipe: bars only on a screen, plain lines otherwise, nothing but errors when quiet."""

    def __init__(self, quiet: bool, verbose: bool, as_json: bool) -> None:
        self._messages = Console(file=sys.stderr, highlight=False)
        self._results = Console(file=sys.stdout, highlight=False)
        self._quiet = quiet
        self._shows_results = not (quiet or as_json)
        self._verbose = verbose

    def show(self, *results: RenderableType) -> None:
        """Print results for a person; nothing with --json or --quiet."""
        if self._shows_results:
            for result in results:
                self._results.print(result)

    def warn(self, message: str) -> None:
        """Print a warning; kept when quiet, since a result may be less than it seems."""
        self._messages.print(f"Warning: {message}", markup=False, soft_wrap=True)

    def error(self, message: str) -> None:
        """Print the one line that says what went wrong."""
        self._messages.print(f"Error: {message}", markup=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """Print the details of an error, such as a traceback."""
        self._messages.print(text.rstrip(), markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """Give a `Progress` that shows how far the block is; with --verbose the cost of each stage follows."""
        progress: Progress
        if self._quiet:
            progress = Progress()
            yield progress
        elif self._messages.is_terminal:
            columns = (TextColumn("{task.description:<44}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
            with Bar(*columns, console=self._messages, transient=True) as bar:
                task = bar.add_task("Starting", total=1.0)
                progress = Progress(lambda fraction, message: bar.update(task, completed=fraction, description=message))
                yield progress
        else:
            progress = Progress(self._line())
            yield progress
        if self._verbose:
            for cost in progress.costs:
                line = f"{cost.seconds:7.1f} s {cost.peak_gb:6.2f} GB  {cost.name}"
                self._messages.print(line, markup=False)

    def _line(self) -> _StageLines:
        return _StageLines(self._messages)


class _StageLines:
    """Prints a line when a tenth of the run is done, so that a log stays short."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tenth = -1

    def __call__(self, fraction: float, message: str) -> None:
        tenth = int(fraction * 10)
        if tenth > self._tenth:
            self._tenth = tenth
            self._console.print(f"[{fraction:4.0%}] {message}", markup=False)
