"""The package gives the stage's names without loading the stage for those who only read rows."""

import subprocess
import sys


def test_reading_rows_loads_no_run() -> None:
    statement = "import sys, plumbline.ingest.cases; sys.exit('plumbline.ingest.run' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", statement], check=False).returncode == 0


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    statement = "import plumbline.ingest as i; assert callable(i.ingest); assert not hasattr(i, 'nothing')"
    assert subprocess.run([sys.executable, "-c", statement], check=False).returncode == 0
