"""A command line that knows the toy experiment only, for tests that need a process of their own."""

from __future__ import annotations

from pathlib import Path

TOY_CLI = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import toy
from eigenlab.experiments import TABLE, Row
sys.modules["eigenlab.experiments.toy"] = toy
TABLE.clear()
TABLE["toy"] = Row("toy", "A toy", ("9a", "9b"))
from eigenlab.cli import main
sys.exit(main())
"""
