"""Pipelines in a Quart-Trio app that exists already: with their page they stand under one prefix of it.

    $ .venv/bin/python examples/in_your_app.py

It answers at http://127.0.0.1:8000, or at another port that `PORT` names.
"""

import os

from pydantic import BaseModel
from quart_trio import QuartTrio

from narrate import Pipeline, say, step
from narrate.server import create_blueprint


class Text(BaseModel):
    text: str


@step("Counting the words…")
async def count(given: Text) -> int:
    found = len(given.text.split())
    say(f"There {'is' if found == 1 else 'are'} {found or 'none'}.")
    return found


words = Pipeline("words", count, takes=Text, title="Counting words")

app = QuartTrio(__name__)
blueprint, service = create_blueprint(words)
app.register_blueprint(blueprint, url_prefix="/told")


@app.get("/")
async def front() -> str:
    return 'An app of your own. <a href="/told/">The pipelines</a> are a part of it.'


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
