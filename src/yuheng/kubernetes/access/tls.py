"""How a connection is secured.

The server's certificate is always checked, against the authorities of the kubeconfig or else of the system, unless the
kubeconfig itself says not to. A client certificate that is written into a kubeconfig has to be a file for Python's TLS
library: it is one in memory where the system has such files, so that a key does not reach a disk, and works on a
read-only one.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from yuheng.errors import InputError

__all__ = ["Trust"]


class Trust(NamedTuple):
    """Whom we believe to be the server.

    Attributes:
        authorities: their certificates in PEM; empty for those of the system.
        is_blind: whether anybody is believed.
        source: the file that says so, for errors.
        subject: what of it says so, for errors.
    """

    authorities: bytes = b""
    is_blind: bool = False
    source: str = ""
    subject: str = ""

    def context(self, certificate: bytes = b"", key: bytes = b"") -> ssl.SSLContext:
        """What secures connections.

        Args:
            certificate: ours, in PEM; empty for none.
            key: of our certificate, in PEM.

        Raises:
            InputError: what should be a certificate or its key is not.
        """
        try:
            context = ssl.create_default_context(cadata=self.authorities.decode() if self.authorities else None)
        except (ssl.SSLError, ValueError) as error:
            raise InputError(
                "no certificate",
                "certificates of authorities in PEM",
                source=self.source,
                subject=self.subject,
                field="certificate-authority",
            ) from error
        # Authorities that kubeadm and others have made lack extensions that newer Pythons insist on; Go does not.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.is_blind:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate:
            self._present(context, certificate, key)
        return context

    def _present(self, context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
        try:
            with _as_file(certificate + b"\n" + key) as path:
                context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise InputError(
                "a pair that does not belong together, or is none",
                "a client certificate and its key without a password, in PEM",
                source=self.source,
                subject=self.subject,
                field="client-certificate, client-key",
            ) from error


def _no_password() -> str:
    """An encrypted key is refused, not asked for at the terminal."""
    raise ValueError("encrypted key")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A file that is gone afterwards, and that nobody else can open."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(number, content)
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
        return
    number, path = tempfile.mkstemp()
    try:
        os.write(number, content)
        os.close(number)
        yield path
    finally:
        Path(path).unlink()
