"""The tutorial is true: its code runs as it stands."""

import os
import re
import sys
import types
import unittest

README = os.path.join(os.path.dirname(__file__), "..", "README.md")


class ReadmeTest(unittest.TestCase):
    def test_the_tutorial_runs(self):
        with open(README, encoding="utf-8") as file:
            blocks = re.findall(r"```python\n(.*?)```", file.read(), re.DOTALL)
        self.assertEqual(len(blocks), 3)
        module = types.ModuleType("tutorial")
        sys.modules["tutorial"] = module
        for block in blocks:
            exec(compile(block, "README.md", "exec"), vars(module))
        self.assertTrue(module.restart.manifest()["rollback"])
