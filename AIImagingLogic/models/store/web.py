"""Requests to the web: https only, also after redirects; proxies of the environment honoured."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any

from AIImagingLogic import __version__
from AIImagingLogic.records.errors import AIImagingError, ModelError

_LOCAL = ("127.0.0.1", "localhost", "::1")


class NoConnection(ModelError):  # noqa: N818 - named as the user is told
    """The server could not be reached, broke off, or is overloaded: worth another try."""


class Web:
    """Opens addresses.

    Parameters
    ----------
    local_http : bool
        Allow plain http to this very computer; for tests with a server of their own.
    silence_s : float
        Seconds without an answer after which a connection counts as broken.
    """

    def __init__(self, local_http: bool = False, silence_s: float = 30.0) -> None:
        self._local_http = local_http
        self._silence_s = silence_s

    def check(self, url: str) -> None:
        """Refuse an address that is not https.

        Raises
        ------
        ModelError
            It is another scheme, has no host, or carries a user name.
        """
        parts = urllib.parse.urlsplit(url)
        plain = self._local_http and parts.scheme == "http" and parts.hostname in _LOCAL
        if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username is not None:
            raise ModelError(f"The address '{url[:200]}' is not https.", "It is not used; tell who published the card.")

    def open(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Return the answer of `url`, redirects followed.

        Raises
        ------
        NoConnection
            The server cannot be reached now.
        ModelError
            The server refuses, or leads to an address that is not https.
        """
        self.check(url)
        request = urllib.request.Request(
            url, headers={"User-Agent": f"aiimaging/{__version__}", "Accept-Encoding": "identity", **headers}
        )
        # Proxies are read anew each time: the user may change them while Slicer runs.
        opener = urllib.request.build_opener(_Redirects(self))
        try:
            answer: http.client.HTTPResponse = opener.open(request, timeout=self._silence_s)
        except AIImagingError:
            raise
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise RangeRefused(url) from error
                raise _refused(url, error.code) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise NoConnection(f"'{_host(url)}' could not be reached: {reason}.", _OFFLINE) from error
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            raise ModelError(f"'{_host(url)}' sends the file in another form than asked for.", "Try another network.")
        return answer


class RangeRefused(ModelError):  # noqa: N818 - not shown: the download begins anew
    """The server has nothing after the part that is here."""

    def __init__(self, url: str) -> None:
        super().__init__(f"'{_host(url)}' cannot go on where the download stopped.", "Run again.")


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, web: Web) -> None:
        self._web = web

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Any:
        self._web.check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refused(url: str, code: int) -> ModelError:
    what = f"'{_host(url)}' answered {code} ({http.client.responses.get(code, 'unknown')}) for '{url}'."
    if code in (408, 425, 429) or code >= 500:
        return NoConnection(what, "Try again later.")
    if code == http.client.PROXY_AUTHENTICATION_REQUIRED:
        return ModelError(what, "Give the proxy's user name and password in HTTPS_PROXY.")
    return ModelError(what, "The file may have moved: look at the model's home page, or import the file by hand.")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url


_OFFLINE = "Check the network and the proxy (HTTPS_PROXY), or bring the model as a pack from another computer."
