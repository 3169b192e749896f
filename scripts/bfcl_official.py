"""Lets parts of the official BFCL program be imported without the packages of model providers, which judging does not need."""

import importlib.abc
import importlib.machinery
import sys
from unittest.mock import MagicMock


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands for packages that are not installed."""

    def find_spec(self, name, path, target=None):
        if name.startswith("bfcl_eval"):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__ = spec, []
        return module

    def exec_module(self, module):
        pass


# Behind the finders of packages that are there.
sys.meta_path.append(Absent())
