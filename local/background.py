"""What AWS does asynchronously, in threads."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any


class Background(ThreadPoolExecutor):
    """An executor that knows what is still under way."""

    def __init__(self) -> None:
        super().__init__(max_workers=16, thread_name_prefix="asynchronous")
        self._pending: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As every executor does."""
        future = super().submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def settle(self, seconds: float) -> None:
        """Wait for what is under way, but no longer than that."""
        wait(set(self._pending), timeout=seconds)
