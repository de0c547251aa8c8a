"""What can be set about a server, in one frozen value: every bound it keeps has its name and its default here."""

from dataclasses import dataclass

from narrate.server.proxies import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """- `heartbeat`: seconds of silence after which a stream (but for text) shows that it is alive.
    - `max_runs`: runs at once; one more is answered 503.
    - `max_body`: bytes of a request's body; more is answered 413. `body_timeout`: seconds for it to arrive; then 408.
    - `trusted_proxies`: the networks whose `Forwarded` and `X-Forwarded-For` are believed; none by default.
    - `reconnect`: milliseconds that a stream asks its reader to wait when the server stops.
    - `note`: told at the start of every story, such as that it is a replay.
    """

    heartbeat: float = 15.0
    max_runs: int = 1000
    max_body: int = 1024 * 1024
    body_timeout: float = 30.0
    trusted_proxies: tuple[Network, ...] = ()
    reconnect: int = 2000
    note: str | None = None
