"""What to do about what was found on the way to a server: the setting of nginx by its name, and for others in words."""

from collections.abc import Mapping

from narrate.probing.seen import Trouble

BUFFERS = (
    "Let nothing hold the answer back. nginx: no `proxy_ignore_headers X-Accel-Buffering;`, or else `proxy_buffering "
    "off;` for these addresses. Others: turn response buffering off for text/event-stream (it is also called flushing "
    "at once, or streaming responses)."
)

IDLE = (
    "Let the line be silent for longer than narrate is. nginx: a greater `proxy_read_timeout` (60s as it comes). "
    "Others: a greater idle timeout. Or have narrate show sooner that it is alive: `narrate serve --heartbeat "
    "SECONDS`, with half of what the line bears."
)

CUT = (
    "Let answers be as long and as large as they like. Look for a limit on how long a request may take (request "
    "timeout, response timeout, maximum duration) or on the size of an answer. A stream that is cut is resumed, but "
    "each time costs a pause."
)

CHANGED = "Let nothing rewrite what is in the answer: content filters, injected scripts, scanners that repack it."

COMPRESSES = (
    "Leave streams as they are. nginx: no text/event-stream in `gzip_types` (nor a `*`), or `gzip off;` for these "
    "addresses. Others: heed `Cache-Control: no-transform`, or leave text/event-stream out of what is compressed."
)

ANSWER_HEADERS = (
    "Let the headers of the answer through as they are. nginx: no `proxy_hide_header` for them, and no `add_header` or "
    "`expires` of their kind. Others: look for rules on response headers and on caching."
)

REQUEST_HEADERS = (
    "Let these headers of the request through: without Idempotency-Key a request that broke begins a second run, "
    "without Last-Event-ID nothing is resumed, and Accept and Prefer say how to answer. nginx: no `proxy_set_header` "
    "that empties them, no `proxy_pass_request_headers off;`. Others: list them as headers to be forwarded."
)

ADDRESS = (
    "Let the path stay as it is on the way. nginx: `proxy_pass http://server;` without a path behind it. Mount narrate "
    "below the same prefix: `app.register_blueprint(create_blueprint(...)[0], url_prefix=...)`."
)

SLOW_START = "Ask again: a server that was asleep is quick the second time."

SLOW = "Ask again, perhaps from elsewhere: it looks like a slow or crowded line, not like a buffer."

LONGER = "Ask for more of them: `--seconds 5`."

AGAIN = "Mend the cut, and ask again."

LATER = "Ask again in a moment."

CREDENTIALS = "Say who you are, as the server wants it: `-H 'Authorization: Bearer ...'`."

NO_PROBE = (
    "Is the address right? Give that of the server, of a pipeline or of a run. A narrate of an older version has no "
    "/probe and cannot be probed."
)

NO_NARRATE = "Is the address right? Give that of the server, of a pipeline or of a run, as `narrate serve` prints it."

GATEWAY = "Is `narrate serve` running, and does the gateway know where?"

REDIRECT = "Ask at that address; a POST, unlike this, may not survive being sent on."

TROUBLE: Mapping[Trouble, str] = {
    Trouble.NO_HOST: "Is the address spelt right, and does the name resolve from here?",
    Trouble.NOBODY: "Is `narrate serve` running there, and the port right?",
    Trouble.NO_CONNECTION: "Is the address right, and does a firewall stand between?",
    Trouble.TLS: (
        "Is it https at all? A certificate that is not of a public authority is believed if the variable SSL_CERT_FILE "
        "names the file of its own."
    ),
    Trouble.MUTE: (
        "Ask again. If it stays so, whoever answers there waits for somebody behind it, or holds the whole answer back."
    ),
    Trouble.NO_HTTP: "Is the port right, and is it https?",
    Trouble.BROKEN: "Ask again. If it stays so, look into the log of whoever answers there.",
}


def silence(seconds: int) -> str:
    """How to ask for a silence that is long enough to learn something."""
    return f"Ask for one that is longer than narrate's own: `--silence {seconds}`."
