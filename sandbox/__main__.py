"""Entry point: `python3 sandbox` or `python3 -m sandbox`."""
import sys
from pathlib import Path

if not __package__:
    # Run as a file: put the tree, not this folder, on the path, so that our module names never hide others.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from sandbox.cli import main  # noqa: E402

sys.exit(main())
