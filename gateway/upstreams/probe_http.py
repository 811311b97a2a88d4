"""Health of an HTTP endpoint: a GET that answers 2xx."""

from __future__ import annotations

import asyncio
from functools import partial
from urllib.parse import urljoin, urlsplit

import aiohttp

from gateway.core.endpoint import Endpoint
from gateway.upstreams.options import UpstreamOptions
from gateway.upstreams.probe import ProbeSettings, Sleep, Tell, ask_again

GOOD = range(200, 300)


class HttpProbe:
    """Asks for a path of the endpoint's server at fixed intervals, the first time at once.

    The path stands at the root of the server, whatever path the endpoint's URL has; a whole URL
    asks another server, which gets no credentials. A redirect is no 2xx. Raises ValueError when
    this makes no HTTP address.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ProbeSettings,
        options: UpstreamOptions,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._url = urljoin(endpoint.url, settings.path)
        asked, own = urlsplit(self._url), urlsplit(endpoint.url)
        if asked.scheme not in {"http", "https"} or not asked.hostname or not settings.path:
            raise ValueError("health_path must be a path of an HTTP endpoint, or a whole URL")
        at_home = (asked.scheme, asked.netloc) == (own.scheme, own.netloc)
        self._headers = {"accept-encoding": "identity"}
        if at_home and options.authorization is not None:
            self._headers["authorization"] = options.authorization
        self._settings = settings
        self._sleep = sleep

    async def watch(self, tell: Tell) -> None:
        """Tell each result that is to be believed, until cancelled."""
        async with aiohttp.ClientSession(
            # Whether it takes new connections is part of the question.
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            await ask_again(partial(self._check, session), self._settings, self._sleep, tell)

    async def _check(self, session: aiohttp.ClientSession) -> tuple[bool, str]:
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                session.get(self._url, headers=self._headers, allow_redirects=False) as response,
            ):
                return response.status in GOOD, f"HTTP {response.status}"
        except TimeoutError:
            return False, "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            return False, type(error).__name__
