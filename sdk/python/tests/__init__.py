"""The tests of the library: `python3 -m unittest discover -s tests -t .` in `sdk/python`."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "behaviours")]
