"""Errors of the service; each stands for an HTTP status (:mod:`dressform.service.http.errors`)."""

import errno

from dressform.core.errors import DressformError, ResourceError


class AuthenticationError(DressformError):
    """No key or session is given, or one that is not valid (401)."""


class NotFoundError(DressformError):
    """What was asked for does not exist, or belongs to somebody else (404)."""


class ForbiddenError(DressformError):
    """The key does not allow it (403)."""


class ConflictError(DressformError):
    """It does not fit the present state, such as a name that is taken (409)."""


class LimitError(ConflictError):
    """The project or the tenant has as much as it may have (409); waiting does not help."""


class TooLargeError(DressformError):
    """A body, image or archive beyond the limits (413)."""


class BusyError(ResourceError):
    """So much waits already that nothing more is taken (429).

    Attributes:
        retry_after: seconds after which to try again.
    """

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FullError(ResourceError):
    """The disk is full, or the storage has reached its limit (507)."""


class UnansweredError(ResourceError):
    """The database does not answer (503). The message is for the operator: it tells the driver's
    reason, which may name hosts and paths.
    """


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, or a file beyond the process's limit."""


def disk_error(what: str, error: OSError) -> ResourceError:
    """The error that stands for a disk that does not take or give a file.

    Args:
        what: cannot be done because of it, such as ``the image cannot be stored``.
        error: of the system.
    """
    if error.errno in FULL:
        return FullError(f"{what}: the disk is full; make room on the disk of the service")
    if error.errno == errno.EROFS:
        return ResourceError(f"{what}: the disk is read-only; make it writable again")
    return ResourceError(f"{what}: {error.strerror or error}")
