"""Three things done with one text at the same time, told in the order in which they stand here."""

from collections import Counter
from hashlib import sha256
from lzma import compress
from pathlib import Path

from narrate import Pipeline, concurrent, say, step

TEXT = (Path(__file__).parent.parent / "README.md").read_bytes()


@step("Compressing the project's README…", summary="{compressed:,} of its bytes are left.")
def compressed() -> int:  # a plain `def` works in a thread
    return len(compress(TEXT))


@step("Counting its words…")
def words() -> int:
    counted = Counter(TEXT.decode().lower().split())
    say(f"There are {counted.total():,}, and the commonest is “{counted.most_common(1)[0][0]}”.")
    return counted.total()


@step("Hashing it…", summary="Its SHA-256 is {digest}.")
def digest() -> str:
    return sha256(TEXT).hexdigest()


parallel = Pipeline("parallel", concurrent(compressed, words, digest), title="Three things at once")
