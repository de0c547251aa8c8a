"""What can be set about a server, in one frozen value: every bound it keeps has its name and its default here."""

import re
from dataclasses import dataclass, field

from narrate.server.callbacks import CallbackPolicy
from narrate.server.proxies import Network

_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/?#@\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """- `heartbeat`: seconds of silence after which a stream (but for text) shows that it is alive.
    - `max_runs`: runs at once; one more is answered 503. `max_runs_per_caller`: the same for one owner or, where nobody
      names one, one address; then 429. None for no such limit.
    - `max_body`: bytes of a request's body; more is answered 413. `body_timeout`: seconds for it to arrive; then 408.
    - `trusted_proxies`: the networks whose `Forwarded` and `X-Forwarded-For` are believed; none by default.
    - `cors_origins`: the origins, such as `https://app.example`, whose pages may call; `*` for any; none by default.
    - `grace`: seconds that runs which nobody can go on with have, when the server stops, to come to their end.
    - `reconnect`: milliseconds that a stream asks its reader to wait when the server stops.
    - `public_url`: where the service is reached from outside, such as `https://api.example/app`: what webhooks link to.
    - `webhook_secrets`: `whsec_…` strings that sign what callbacks are told; without one no callback is taken.
      `callbacks`: which targets may be called.
    - `note`: told at the start of every story, such as that it is a replay.

    Raises ValueError for a `cors_origins` that no browser would ever send.
    """

    heartbeat: float = 15.0
    max_runs: int = 1000
    max_runs_per_caller: int | None = None
    max_body: int = 1024 * 1024
    body_timeout: float = 30.0
    trusted_proxies: tuple[Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    grace: float = 10.0
    reconnect: int = 2000
    public_url: str = ""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    callbacks: CallbackPolicy = field(default_factory=CallbackPolicy)
    note: str | None = None

    def __post_init__(self) -> None:
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin: `https://app.example`, without a path, or `*`.")
