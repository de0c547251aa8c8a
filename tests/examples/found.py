"""Every example there is: folders with a pipeline in them, and single files."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"

FOLDERS = tuple(sorted(path.parent for path in EXAMPLES.glob("*/pipeline.py")))
FILES = tuple(sorted(EXAMPLES.glob("*.py")))


def target(name: str) -> str:
    """What the command line is given for the example in this folder."""
    return str(EXAMPLES / name / "pipeline.py")
