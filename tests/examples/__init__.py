"""The examples, run for real: each for what it shows, and all of them for being there, sound and served.

What lies beside an example's pipeline can be imported here by its own name, as the pipeline itself imports it.
"""

import sys

from tests.examples.found import FOLDERS

sys.path[:0] = [str(folder) for folder in FOLDERS if str(folder) not in sys.path]
