"""Statuses, exceptions and the warning.  The sentences are the library's own."""

import enum
import errno as _errno
import os

from ._library import quick

__all__ = [
    "Status",
    "NormaError",
    "NormaTypeError",
    "NormaValueError",
    "NormaFormatError",
    "NormaOSError",
    "NormaFileNotFoundError",
    "NormaMemoryError",
    "NormaOverflowError",
    "NormaUnsupportedError",
    "NormaArithmeticError",
    "NormaCancelled",
    "NormaInternalError",
    "NormaWarning",
]


def _statuses():
    """The library's one list of statuses: {"NOT_CONVERGED": 1, ...}."""
    names = {code: quick.nrm_status_name(code).decode() for code in range(-64, 64)}
    return {name.replace("-", "_").upper(): code for code, name in names.items() if name != "unknown"}


class _StatusBase(enum.IntEnum):
    """How a call ended: 0 done, > 0 done with a remark, < 0 failed."""

    @property
    def text(self):
        """One sentence on what the status means."""
        return quick.nrm_status_text(int(self)).decode()

    def __str__(self):
        return self.name.lower().replace("_", "-")


Status = _StatusBase("Status", _statuses(), module="norma")


def status_of(code):
    """The Status of a number from C; a newer library may know more than this list."""
    try:
        return Status(code)
    except ValueError:
        return Status.INTERNAL_ERROR if code < 0 else Status.OK


class NormaError(Exception):
    """A call failed.  `status` says how, `message` is the library's sentence: what was
    given, the rule, the remedy.  The memory of outputs given by the caller is as it was."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = Status(status)
        self.message = message

    def __str__(self):
        return self.message

    def __reduce__(self):
        return type(self), (int(self.status), self.message)


class NormaTypeError(NormaError, TypeError):
    """An argument is missing, unknown or given twice."""


class NormaValueError(NormaError, ValueError):
    """A value, a range, a shape, an element type or a NaN that does not fit."""


class NormaFormatError(NormaValueError):
    """The content of a file is malformed."""


class NormaOSError(NormaError, OSError):
    """The operating system refused a file operation; `errno` is set where it is known."""

    def __init__(self, status, message):
        super().__init__(status, message)
        self.strerror = message
        self.errno = next((e for e in _errno.errorcode if message.endswith(": " + os.strerror(e))), None)


class NormaFileNotFoundError(NormaOSError, FileNotFoundError):
    """There is no such file or folder."""

    def __init__(self, status, message):
        super().__init__(status, message)
        self.errno = _errno.ENOENT


class NormaMemoryError(NormaError, MemoryError):
    """Memory could not be had."""


class NormaOverflowError(NormaError, OverflowError):
    """A size or a value overflows."""


class NormaUnsupportedError(NormaError, NotImplementedError):
    """This build or machine cannot do it."""


class NormaArithmeticError(NormaError, ArithmeticError):
    """The problem has no answer: a singular matrix, constraints that contradict each other."""


class NormaCancelled(NormaError):
    """Stopped on request, with nothing usable reached."""


class NormaInternalError(NormaError, RuntimeError):
    """Norma is wrong here; please report it."""


class NormaWarning(UserWarning):
    """A remark on a call that succeeded: the library's log, or a status > 0."""

    def __init__(self, message, status=Status.OK):
        super().__init__(message)
        self.status = Status(status)

    def __reduce__(self):
        return type(self), (self.args[0], int(self.status))


for _class in list(globals().values()):
    if isinstance(_class, type) and _class.__name__ in __all__:
        _class.__module__ = "norma"

_CLASSES = {
    "OUT_OF_MEMORY": NormaMemoryError,
    "OVERFLOW": NormaOverflowError,
    "CANCELLED": NormaCancelled,
    "INPUT_OUTPUT": NormaOSError,
    "BAD_FILE": NormaFormatError,
    "UNSUPPORTED": NormaUnsupportedError,
    "INFEASIBLE": NormaArithmeticError,
    "SINGULAR": NormaArithmeticError,
    "INTERNAL_ERROR": NormaInternalError,
}  # all others speak of an argument: NormaValueError


def error_of(code, message, paths=()):
    """The exception of a failed call; `paths` are what it was to read or write."""
    status = status_of(code)
    kind = _CLASSES.get(status.name, NormaValueError)
    error = kind(status, message or status.text)
    if kind is NormaOSError and (error.errno == _errno.ENOENT or any(map(_is_missing, paths))):
        return NormaFileNotFoundError(status, message)
    return error


def _is_missing(path):
    """True where there is neither PATH nor, for "a.npz:weights", the file before the colon."""
    path = os.fsencode(path)
    file = path.rpartition(b":")[0]
    return path != b"-" and not os.path.exists(path) and not (file and os.path.exists(file))
