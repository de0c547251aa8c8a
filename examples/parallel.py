"""Three plain functions at once: a `def` step works in a thread, so nothing here has to be `async`.

What lets go of Python's lock while it computes, as lzma and hashlib do, really runs on several cores at the same time.
"""

from collections import Counter
from hashlib import sha256
from lzma import compress
from pathlib import Path

from narrate import Pipeline, concurrent, say, step

TEXT = (Path(__file__).parent.parent / "README.md").read_bytes()


@step("Compressing the project's README…")
def compressed() -> int:
    size = len(compress(TEXT))
    say(f"It shrinks from {len(TEXT):,} bytes to {size:,}.")
    return size


@step("Counting its words…")
def words() -> int:
    counted = Counter(TEXT.decode().lower().split())
    say(f"There are {counted.total():,}, and the commonest is “{counted.most_common(1)[0][0]}”.")
    return counted.total()


@step("Hashing it…", summary="Its SHA-256 is {digest}.")
def digest() -> str:
    return sha256(TEXT).hexdigest()


parallel = Pipeline("parallel", concurrent(compressed, words, digest), title="Three things at once")
