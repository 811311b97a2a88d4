"""`python -m ensemble_loadtest`."""

from __future__ import annotations

from ensemble_loadtest.command import main

if __name__ == "__main__":
    main()
