"""The document assistant as its tests run it: over two small documents, and with nothing of this machine's settings."""

from pathlib import Path

from choosing import Settings
from narrate import targets
from tests.examples.found import target

(docs,) = targets.load(target("docs"))

DOCUMENTS = Path(__file__).parent / "documents"
HUMS = {"question": "Why does the kettle hum?", "folder": str(DOCUMENTS)}


def settings(**given) -> Settings:
    """Settings of which none comes from this machine."""
    nothing = {"groq_api_key": None, "model_api_key": None, "ollama_url": None, "docs_root": DOCUMENTS}
    return Settings(_env_file=None, **(nothing | given))
