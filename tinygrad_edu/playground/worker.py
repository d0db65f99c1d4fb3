"""The worker: a thread of its own, in which the network of one page learns.

Learning never waits for the page. A frame is made when the page has drawn the last one and says that it is
ready; what happened in between is not shown, and nothing is kept for later: a slow page sees fewer frames,
not old ones.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from tinygrad_edu.playground.digits import Digits
from tinygrad_edu.playground.session import Session

#: Seconds between two frames at least, and between two epochs unless it shall be fast.
FRAME = 1 / 40
#: How many messages of a page may wait to be done.
MOST_WAITING = 200


class Worker(threading.Thread):
    """Does what a page asks for, and learns in between, until `close`.

    `send` is called in this thread with each answer, a dict, and each frame, bytes.
    """

    def __init__(self, send: Callable[[Any], None], digits: Digits) -> None:
        super().__init__(name="playground", daemon=True)
        self._send = send
        self._asked: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
        self._closed = threading.Event()
        self._page_is_ready = False
        self._session = Session(digits)

    def ask(self, message: dict[str, Any]) -> bool:
        """Hand over a message of the page; return whether there was room for it."""
        try:
            self._asked.put_nowait(message)
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """End the thread, after the epoch or the answer that it is at."""
        self._closed.set()
        self.ask({"do": "pause"})  # wakes it up

    def run(self) -> None:
        """Work until `close`; should anything fail that nobody thought of, the page is told."""
        try:
            self._take_turns()
        except Exception:
            self._send({"is": "broken"})
            raise  # the terminal shows where

    def _take_turns(self) -> None:
        """Take turns: messages, an epoch, a frame."""
        changed, shown, learned = False, 0.0, 0.0
        while not self._closed.is_set():
            changed |= self._take_messages(self._patience(changed))
            now = time.monotonic()
            if self._session.playing and (self._session.fast or now - learned >= FRAME):
                self._session.learn()
                changed, learned = True, now
            if changed and self._page_is_ready and now - shown >= FRAME:
                self._page_is_ready = changed = False
                shown = now
                self._send(self._session.frame())

    def _patience(self, changed: bool) -> float | None:
        """Return how many seconds to wait for a message: None for as long as there is nothing to do."""
        if self._session.playing:
            return 0 if self._session.fast else FRAME / 4
        return FRAME / 4 if changed and self._page_is_ready else None

    def _take_messages(self, seconds: float | None) -> bool:
        """Do all that was asked for; return whether anything may look different now."""
        changed = False
        while not self._closed.is_set():
            try:
                message = self._asked.get(block=seconds != 0, timeout=seconds)
            except queue.Empty:
                break
            seconds = 0
            if message["do"] == "ready":
                self._page_is_ready = True
                continue
            changed = True
            for answer in self._session.take(message):
                self._send(answer)
        return changed
