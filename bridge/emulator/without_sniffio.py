"""Let httpx find out quickly that sniffio is not installed.

httpcore asks for it several times in every request, to see which event loop runs, and takes asyncio if
it is missing. Python remembers the modules that it has found, and not those that are missing: each time
it looks through the file system, which takes a quarter of the CPU time of a request. Where sniffio is
installed, nothing changes.
"""

import sys
from importlib.util import find_spec

if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # to Python's import: it is not installed
