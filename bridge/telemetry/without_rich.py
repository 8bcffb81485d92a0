"""Import structlog without rich, for a process that prints nothing on a terminal.

structlog imports rich where it is installed, to draw tracebacks. The bridge logs no traceback, and rich
costs a tenth of the start and 5 MB. Import this module before anything else imports structlog.
"""

import sys
from importlib import import_module

if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # to Python's import: it is not installed
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]
