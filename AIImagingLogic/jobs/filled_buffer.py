"""Images put into shared memory, wherever there is space."""

from __future__ import annotations

from collections.abc import Callable

from AIImagingLogic.jobs.buffer_pool import BufferPool, is_full
from AIImagingLogic.jobs.image_layout import ImageLayout
from AIImagingLogic.jobs.shared_buffer import SharedBuffer


def filled_buffer(layout: ImageLayout, pool: BufferPool, go_on: Callable[[], None]) -> SharedBuffer:
    """Return a buffer of `pool` that holds the images of `layout`; `go_on`, called every few ms, may raise to stop.

    Raises
    ------
    OutputError
        There is no space.
    """
    for buffer in pool.attempts(layout.size):
        try:
            layout.write(buffer.write, go_on)
        except OSError as error:
            pool.discard(buffer)
            if not is_full(error):
                raise
        except BaseException:
            pool.give_back(buffer)
            raise
        else:
            return buffer
    raise AssertionError("the attempts end with an error of their own")
