"""Every error Yuheng raises on purpose, as one tree.

    YuhengError
    ├── InputError        something that was read is not what it should be
    │   └── QuantityError a resource quantity Kubernetes would refuse
    ├── ConfigError       a policy or scheduler configuration that cannot be used
    └── NotFoundError     a pod, policy or file that was named and does not exist

The message is written for the person who has to mend the input: it names the file, the object and the field, what
was found and what was expected, in one line. The command line prints it as it is and exits with code 2.
"""

from __future__ import annotations

__all__ = ["ConfigError", "InputError", "NotFoundError", "QuantityError", "YuhengError"]


class YuhengError(Exception):
    """The root of the tree: catch this to catch everything Yuheng raises on purpose."""


class InputError(YuhengError):
    """Input that cannot be used.

    Args:
        found: what was found there, already worded.
        expected: what should have been there.
        source: the file (or ``<stdin>``, ``<object>``) it was read from.
        subject: the object, as ``Kind namespace/name`` or ``item 3``.
        field: the path of the field inside the object.
    """

    def __init__(self, found: str, expected: str = "", *, source: str = "", subject: str = "", field: str = "") -> None:
        self.found = found
        self.expected = expected
        self.source = source
        self.subject = subject
        self.field = field
        super().__init__(found)

    def at(self, *, source: str = "", subject: str = "", field: str = "") -> InputError:
        """The same error with the places it did not know yet filled in; what it knew already stays."""
        return type(self)(
            self.found,
            self.expected,
            source=self.source or source,
            subject=self.subject or subject,
            field=self.field or field,
        )

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.source, self.subject, self.field) if part)
        problem = f"found {self.found}, expected {self.expected}" if self.expected else self.found
        return _one_line(f"{place}: {problem}" if place else problem)


class QuantityError(InputError):
    """A resource quantity that Kubernetes would refuse."""


class ConfigError(YuhengError):
    """A policy or a scheduler configuration that cannot be used."""


class NotFoundError(YuhengError):
    """Something that was asked for by name and does not exist."""


def _one_line(text: str) -> str:
    """Control characters of untrusted input are shown escaped, so that a message is one line and stays inert."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
