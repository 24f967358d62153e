"""`python -m facesort`: the same as the command `facesort`."""

from __future__ import annotations

from facesort.cli.app import main

if __name__ == "__main__":
    main()
