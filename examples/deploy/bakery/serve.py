"""Serve what was built, on the port that the environment says, and say at /health whether it is there."""

import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PUBLIC = Path(__file__).parent / "public"


class Handler(SimpleHTTPRequestHandler):
    """Files, and one word about their health."""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path != "/health":
            super().do_GET()
            return
        self.send_response(200 if (PUBLIC / "index.html").is_file() else 503)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), partial(Handler, directory=PUBLIC)).serve_forever()
