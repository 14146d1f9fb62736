"""One question at a time to a Prometheus server, gently: paced, bounded, and again when it was busy.

The standard library's client does: no redirects (a login page is no answer, and credentials must not follow one),
proxies of the environment, TLS always checked. What is temporary (429, 5xx, no answer in time, half an answer) is
asked again after a pause that doubles, with jitter, so that many of us do not come back at once; what is not is told
in one line.
"""

from __future__ import annotations

import http.client
import random
import ssl
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from yuheng.errors import InputError
from yuheng.readers.usage.prometheus.access import without_secrets
from yuheng.readers.usage.prometheus.answers import EXPECTED, Answer, TooMuchError, decoded, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.readers.usage.prometheus.access import Access

__all__ = ["Manners", "Server"]

_CHUNK: Final = 2**16
# zlib's own way to say that gzip is meant.
_GZIP_WINDOW: Final = 31
# A server that gives up after its time should get to say so before we do.
_GRACE: Final = 1.25
_TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_FORBIDDEN: Final = frozenset({401, 403, 407})


class Manners(NamedTuple):
    """How a server is treated.

    Attributes:
        timeout: seconds that a query may take; the server is told.
        attempts: how often the same is asked before we give up.
        first_pause: the upper end of the first pause, in seconds; it doubles.
        longest_pause: in seconds; what ``Retry-After`` asks for is kept up to this.
        interval: the least seconds from one request to the next.
        largest: bytes of an answer, decompressed.
    """

    timeout: float = 60.0
    attempts: int = 6
    first_pause: float = 1.0
    longest_pause: float = 60.0
    interval: float = 0.1
    largest: int = 256 * 2**20


class _Busy(Exception):  # noqa: N818 -- not an error yet
    """It did not work this time."""

    def __init__(self, found: str, pause: float | None = None, *, is_slow: bool = False) -> None:
        super().__init__(found)
        self.found = found
        self.pause = pause
        self.is_slow = is_slow


class _NoRedirect(HTTPRedirectHandler):
    """Redirects are answers, not ways."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


class Server:
    """A Prometheus server.

    Args:
        access: where it is and who asks.
        manners: how it is treated.
        sleep: waits so many seconds.
        chance: a number from 0 to 1, for jitter.

    Attributes:
        asked: how many requests were sent.
    """

    def __init__(
        self,
        access: Access,
        manners: Manners = Manners(),  # noqa: B008 -- immutable
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._access = access
        self._manners = manners
        self._sleep = sleep
        self._chance = chance
        self._opener = build_opener(_NoRedirect(), HTTPSHandler(context=_context(access)))
        self._last = -float("inf")
        self._has_answered = False
        self.asked = 0

    @property
    def url(self) -> str:
        """Its address."""
        return self._access.url

    def ask(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        """Ask, and ask again while the server is busy.

        Args:
            endpoint: ``query`` or ``query_range``.
            form: its parameters.

        Raises:
            InputError: the server does not answer, or not as Prometheus does.
            TooMuchError: the server gave up on the question, which is too large for it.
        """
        told = {**form, "timeout": f"{self._manners.timeout:g}s"}
        for attempt in range(self._manners.attempts):
            try:
                answer = self._once(endpoint, told)
            except _Busy as busy:
                last = busy
                if busy.is_slow and attempt >= 1:
                    raise TooMuchError(busy.found, EXPECTED, source=self._access.url) from busy
            else:
                self._has_answered = True
                return answer
            if attempt + 1 < self._manners.attempts:
                self._sleep(self._pause(attempt, last.pause))
        raise InputError(f"{last.found}, {self._manners.attempts} times", EXPECTED, source=self._access.url) from last

    def _pause(self, attempt: int, wanted: float | None) -> float:
        """Seconds: a random part of what doubles, but not less than the server asked for."""
        bound = min(self._manners.first_pause * 2**attempt, self._manners.longest_pause)
        drawn: float = bound * (0.5 + 0.5 * self._chance())
        return drawn if wanted is None else min(max(wanted, drawn), self._manners.longest_pause)

    def _once(self, endpoint: str, form: Mapping[str, str]) -> Answer:
        self._keep_distance()
        request = Request(  # noqa: S310 -- `access_of` takes HTTP only
            f"{self._access.url}/api/v1/{endpoint}",
            data=urlencode(form).encode(),
            headers={
                **self._access.headers(),
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": "yuheng",
            },
        )
        self.asked += 1
        patience = self._manners.timeout * _GRACE
        deadline = time.monotonic() + patience
        try:
            with self._opener.open(request, timeout=patience) as response:
                status, body = response.status, self._body(response, deadline)
        except HTTPError as error:
            with error:
                return self._refused(error, self._short(error, deadline))
        except TimeoutError as error:
            raise _Busy("no answer in time", is_slow=True) from error
        except (URLError, http.client.HTTPException, OSError) as error:
            raise self._unreachable(error) from error
        answer = decoded(body)
        if answer is None and said(body, None) == "an HTML page":
            raise InputError("an HTML page", f"{EXPECTED}: is the address that of its API?", source=self._access.url)
        if answer is None:
            raise _Busy("half an answer, or what is not JSON")
        return self._judged(answer, status, body)

    def _keep_distance(self) -> None:
        wait = self._last + self._manners.interval - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        self._last = time.monotonic()

    def _body(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        """The body, decompressed, within bounds of size and time.

        Raises:
            InputError: it is larger than any answer that was asked for.
            _Busy: it is not whole.
        """
        is_zipped = response.headers.get("Content-Encoding", "").lower() == "gzip"
        inflater = zlib.decompressobj(_GZIP_WINDOW) if is_zipped else None
        found = bytearray()
        try:
            while piece := response.read1(_CHUNK):
                found += inflater.decompress(piece, self._manners.largest) if inflater else piece
                if len(found) > self._manners.largest or (inflater is not None and inflater.unconsumed_tail):
                    size = f"an answer of more than {self._manners.largest / 2**20:g} MiB"
                    raise InputError(size, "a smaller one", source=self._access.url)
                if time.monotonic() > deadline:
                    raise _Busy("no whole answer in time", is_slow=True)
        except zlib.error as error:
            raise _Busy("half an answer") from error
        if response.length or (inflater is not None and not inflater.eof):
            raise _Busy("half an answer")
        return bytes(found)

    def _short(self, error: HTTPError, deadline: float) -> bytes:
        """The body of an error; its status counts, whatever comes after it."""
        try:
            return self._body(error.fp, deadline) if isinstance(error.fp, http.client.HTTPResponse) else error.read()
        except (_Busy, InputError, OSError, http.client.HTTPException):
            return b""

    def _refused(self, error: HTTPError, body: bytes) -> Answer:
        status = error.code
        words = f"{status} {http.client.responses.get(status, '')}".strip()
        if 300 <= status < 400:
            # What a login page is asked for (state, tokens) is nobody's business.
            place = without_secrets(error.headers.get("Location") or "") or "nowhere"
            raise InputError(f"a redirect to {place}", f"{EXPECTED} at this address", source=self._access.url)
        if status in _FORBIDDEN:
            expected = "credentials in YUHENG_PROMETHEUS_TOKEN_FILE, or USER and PASSWORD_FILE"
            raise InputError(words, expected, source=self._access.url)
        answer = decoded(body)
        told = said(body, answer)
        if answer is not None and answer.errorType in ("timeout", "execution"):
            raise TooMuchError(f"{words}: {told}", "a question that the server can answer", source=self._access.url)
        if status in _TEMPORARY:
            raise _Busy(f"{words}: {told}" if told else words, _retry_after(error.headers.get("Retry-After")))
        raise InputError(f"{words}: {told}" if told else words, EXPECTED, source=self._access.url)

    def _judged(self, answer: Answer, status: int, body: bytes) -> Answer:
        if answer.status != "success":
            raise InputError(f"{status}: {said(body, answer)}", EXPECTED, source=self._access.url)
        return answer

    def _unreachable(self, error: Exception) -> Exception:
        """The server, or the way to it, is not there: at the start that is said at once."""
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            return _Busy("no answer in time", is_slow=True)
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        if isinstance(reason, ssl.SSLCertVerificationError):
            text = f"a certificate that cannot be checked ({reason.verify_message})"
        is_lost = isinstance(reason, (http.client.HTTPException, ConnectionResetError, BrokenPipeError))
        if (not self._has_answered and not is_lost) or isinstance(reason, ssl.SSLCertVerificationError):
            return InputError(text, EXPECTED, source=self._access.url)
        return _Busy(text)


def _context(access: Access) -> ssl.SSLContext:
    """TLS that checks the server.

    Raises:
        InputError: the file of authorities cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=access.certificates)
    except (OSError, ssl.SSLError) as error:
        found = f"what cannot be used: {error.strerror or error}"
        raise InputError(found, "certificates in PEM", source=str(access.certificates)) from error


def _retry_after(text: str | None) -> float | None:
    """Seconds; None where it says nothing that can be used (a date is not worth the trouble)."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() else None
