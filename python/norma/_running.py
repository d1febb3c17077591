"""What surrounds a call into the library: its context, Ctrl-C, progress, the log.

One call has one context, so calls from several Python threads do not meet.

While the library runs, Python runs no bytecode of the main thread but inside the
progress callback, some twenty times a second.  There Python would raise
KeyboardInterrupt, and ctypes would print it and forget it.  So for the length of a
call in the main thread every Python signal handler is wrapped: it runs in the
callback as ever, what it raises is kept, the context is told to stop, and the
exception is raised where the call returns.
"""

import ctypes
import itertools
import _signal  # signal's C half: getsignal and signal without a conversion to enums, 1 us each
import signal
import sys
import threading
import warnings
from typing import NamedTuple

from ._errors import NormaWarning, error_of
from ._library import FillFunction, LogFunction, ProgressFunction, long, quick


class Context:
    """One nrm_ctx, destroyed by whoever lets go of it last: the call, or an output
    that outlives the call.

    The holders beside the first are counted by the length of a list, as append and
    pop are atomic: arrays may die in any thread, and in any order in a collected cycle.
    """

    __slots__ = ("handle", "_others")

    def __init__(self, threads=0, seed=0):
        handle = ctypes.c_void_p()
        code = quick.nrm_ctx_create(ctypes.byref(handle), None)
        if code < 0:
            raise error_of(code, "")
        self.handle, self._others = handle, []
        try:
            if threads != 0:
                self.check(quick.nrm_set_threads(handle, threads))
            if seed != 0:
                self.check(quick.nrm_set_seed(handle, seed))
        except BaseException:
            self.release()
            raise

    def share(self):
        self._others.append(None)
        return self

    def release(self, destroy=quick.nrm_ctx_destroy):
        try:
            self._others.pop()
        except IndexError:
            destroy(self.handle)

    @property
    def message(self):
        return quick.nrm_message(self.handle).decode("utf-8", "replace")

    def check(self, code, paths=()):
        """Raise the exception of a failure; give back the status of a success."""
        if code < 0:
            raise error_of(code, self.message, paths)
        return code


class Progress(NamedTuple):
    """One report of work in progress.  `total` <= 0 where it is unknown; `value` is the
    number to watch (a residual, a loss), called `name`, NaN where there is none."""

    task: str
    done: float
    total: float
    name: str
    value: float


def show_progress(report):
    """The reporter behind progress=True: one line on stderr."""
    share = f"{100 * report.done / report.total:5.1f} %" if report.total > 0 else f"{report.done:g}"
    value = f", {report.name} {report.value:.3g}" if report.name and report.value == report.value else ""
    print(f"\r\033[K{report.task}: {share}{value}", end="", file=sys.stderr, flush=True)


_SIGNALS = [
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
]


class Running:
    """The time in which the library may call back.

    with Running(context, progress) as running: ... running.failure, or None
    """

    _numbers = itertools.count(1)
    _by_number = {}  # the `user` argument of every callback: number -> Running

    def __init__(self, context, progress=None):
        self.context, self.progress = context, progress
        self.failure = None  # raised by a signal handler or the caller's own code
        self.streams = []  # iterators that feed `rows` ports
        self.messages = []
        self._inside = False  # in the caller's own Python code
        self._replaced = {}
        self.number = next(self._numbers)

    def __enter__(self):
        handle = self.context.handle
        if threading.current_thread() is threading.main_thread():
            self._wrap_signals()  # from here on no signal raises in the lines of this file
        self._by_number[self.number] = self
        if self.progress or self._replaced:
            quick.nrm_set_progress(handle, ctypes.cast(_on_progress, ctypes.c_void_p), self.number)
        quick.nrm_set_log(handle, ctypes.cast(_on_log, ctypes.c_void_p), self.number)
        return self

    def __exit__(self, *exception):
        quick.nrm_set_progress(self.context.handle, None, None)
        quick.nrm_set_log(self.context.handle, None, None)
        del self._by_number[self.number]
        if self.progress is show_progress:
            print(file=sys.stderr)
        for number, handler in reversed(self._replaced.items()):  # SIGINT last: it may raise here
            _signal.signal(number, handler)

    def stop(self, failure):
        """Keep the first failure and end the call soon."""
        if self.failure is None:
            self.failure = failure
        quick.nrm_cancel(self.context.handle)

    def user_code(self, function, *arguments):
        """Run the caller's code; what it raises is kept and ends the call."""
        try:
            try:
                self._inside = True
                return function(*arguments)
            finally:
                self._inside = False
        except BaseException as failure:  # a C caller has no use for it: raised later
            self._inside = False
            self.stop(failure)
            return None

    def _wrap_signals(self):
        for number in _SIGNALS:
            handler = _signal.getsignal(number)
            if not callable(handler):  # default, ignored, or not Python's
                continue
            try:
                _signal.signal(number, self._wrapped(handler))
            except ValueError:  # not the main interpreter
                return
            self._replaced[number] = handler

    def _wrapped(self, handler):
        def wrapper(number, frame):
            try:
                return handler(number, frame)
            except BaseException as failure:
                if self._inside:
                    raise  # out of the caller's own code, as it would without us
                self.stop(failure)

        return wrapper

    def warn(self, stacklevel):
        """The log's messages as warnings, once the call has returned."""
        for message in self.messages:
            warnings.warn(NormaWarning(message), stacklevel=stacklevel + 1)


@ProgressFunction
def _on_progress(number, report):
    running = Running._by_number[number]
    if running.progress and running.failure is None:
        r = report.contents
        report = Progress(_text(r.task), r.done, r.total, _text(r.value_name), r.value)
        if running.user_code(running.progress, report):
            return 1
    return int(running.failure is not None)


@LogFunction
def _on_log(number, level, message):
    if level >= 2:  # NRM_LOG_WARNING
        Running._by_number[number].messages.append(_text(message))


@FillFunction
def _on_fill(number, most, cols, dense):
    """`number` is the stream's: the Running's in the high bits, its place in the low."""
    running = Running._by_number[number >> 16]
    count = running.user_code(running.streams[number & 0xFFFF].fill, most, cols, dense)
    return -1 if count is None else count


fill = _on_fill


def _text(value):
    return value.decode("utf-8", "replace") if value else ""
