"""Import httpx without its command line, and let it find out quickly that sniffio is not installed.

1. httpx imports what its command line needs, where that is installed: a third of its import. It goes on
   without. Import this module before anything else imports httpx.
2. httpcore asks for sniffio several times in every request, to see which event loop runs, and takes
   asyncio if it is missing. Python remembers the modules that it has found, and not those that are
   missing: each time it looks through the file system, which takes a quarter of the CPU time of a
   request. Where sniffio is installed, nothing changes.
"""

import sys
from importlib import import_module
from importlib.util import find_spec

# None means to Python's import that a module is not installed.
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import_module("httpx")
    finally:
        del sys.modules["httpx._main"]
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]
