"""Unit tests: `python3 -m unittest` in the project's folder, with any Python from 3.10 on."""

import sys

sys.path.insert(0, "sdk")
