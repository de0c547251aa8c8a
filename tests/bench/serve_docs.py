"""The document assistant of the examples, on the server that `narrate serve` runs, before a model. Prints its port."""

import os
import sys
from pathlib import Path

import trio

from narrate import targets
from narrate.server.app import create_app
from narrate.server.serving import serve

PIPELINE = Path(__file__).parent.parent.parent / "examples" / "docs" / "pipeline.py"


async def main(model_port: int, documents: str) -> None:
    """Serve until a signal."""
    os.environ |= {
        "MODEL_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "MODEL_API_KEY": "none",
        "MODEL_NAME": "m",
        "OLLAMA_URL": "",
        "DOCS_ROOT": documents,
    }
    app = create_app(*targets.load(str(PIPELINE)))
    async with trio.open_nursery() as nursery:
        address: str = await nursery.start(lambda **started: serve(app, port=0, **started))
        sys.stdout.write(address.rpartition(":")[2] + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), sys.argv[2])
