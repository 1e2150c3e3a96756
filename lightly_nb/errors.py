"""The exceptions that lightly_nb raises on purpose.

Every message says where (key path, file, sample), what was got, what is allowed and what to do next.
All derive from `LightlyNBError`; each also derives from the built-in that a reader would expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple, Self


def did_you_mean(name: object, there: Iterable[object]) -> str:
    """Return the sentence of a message that says which name was probably meant, '' for none.

    >>> did_you_mean("n_sample", ["strategies", "n_samples"]), did_you_mean("n_sample", ["strategies"])
    (" Did you mean 'n_samples'?", '')
    """
    near = get_close_matches(str(name), [str(one) for one in there], n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


class LightlyNBError(Exception):
    """Base of every error that lightly_nb raises on purpose."""


class Problem(NamedTuple):
    """One thing that is wrong with a configuration."""

    key: str
    """Its path, from the name of the configuration on: `lightly_config.trainer.max_epochs`; '' for none."""
    text: str
    """What was got, what is allowed and what to do."""


class ConfigError(LightlyNBError, ValueError):
    """A configuration has an unknown key, a wrong type or a value out of range.

    Attributes
    ----------
    problems : tuple of Problem
        What is wrong, by key; what is wrong between several keys is there once for each. The text of the
        error says the same for people.

    Examples
    --------
    >>> ConfigError.at("worker_config.decode", "not allowed").problems
    (Problem(key='worker_config.decode', text='not allowed'),)
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()):
        super().__init__(message)
        self.problems = tuple(problems) or (Problem("", message),)

    @classmethod
    def at(cls, key: str, text: str) -> Self:
        """Return the error of one key."""
        return cls(f"{key}: {text}", [Problem(key, text)])


class InputError(LightlyNBError, ValueError):
    """An argument or the data handed to a function cannot be used."""


class DatasourceError(LightlyNBError, OSError):
    """A folder or bucket cannot be listed, read or written."""


class CheckpointError(LightlyNBError, ValueError):
    """A checkpoint is missing, is not one, carries code or does not fit the model."""


class SelectionError(LightlyNBError, ValueError):
    """A selection was asked for that the samples cannot give."""


class RunError(LightlyNBError, RuntimeError):
    """A run failed, crashed or cannot be opened."""


class RunCanceled(LightlyNBError):  # noqa: N818 - the platform's word for this end of a run
    """A run was canceled by its user; what it had finished is kept."""


class WorkspaceError(LightlyNBError, RuntimeError):
    """The store of the workspace cannot be opened, read or written."""


class ApiException(LightlyNBError, RuntimeError):  # noqa: N818 - the platform's name
    """The platform refuses a call; `status` is the number that its web service would answer with."""

    status = 400
    body: str | None = None
    """Of a web service's answer, which there is none of here."""

    @property
    def reason(self) -> str:
        """The message alone."""
        return str(self)


class BadRequestException(ApiException, ValueError):  # noqa: N818 - the platform's name
    """What was asked for cannot be (400)."""


class UnauthorizedException(ApiException):
    """No token, or not one that was given out (401)."""

    status = 401


class ForbiddenException(ApiException):
    """Seen, but not allowed to this user (403)."""

    status = 403


class NotFoundException(ApiException, ValueError):  # noqa: N818 - the platform's name
    """There is no such thing, or none that this user may see: both answer alike (404)."""

    status = 404


class ConflictException(ApiException, ValueError):  # noqa: N818 - the platform's name
    """It would clash with what is there already: a name taken, a tag in use (409)."""

    status = 409


class ArtifactNotExist(NotFoundException):
    """A run has no such artifact, or not yet."""


def system_error_of(error: BaseException | None) -> int | None:
    """Return the number of the system's error that an error is, or was caused by; None if there is none.

    Examples
    --------
    >>> system_error_of(OSError(28, "No space left on device")), system_error_of(ValueError("no"))
    (28, None)
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None
