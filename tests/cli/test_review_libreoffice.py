"""A sheet that LibreOffice opened, computed and saved again is the same sheet, and its figures are ours."""

import shutil
import subprocess
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rich.console import Console

from cli.review import export, import_sheet
from cli.review_sheet import REVIEW
from cli.stack import Stack
from plumbline.accuracy import wilson
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.gold import read_gold
from tests.cli.reviewed import BILLING, DEFECT, RUN, column, edit, store_run

SOFFICE = shutil.which("soffice")


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_computes_the_accuracy_and_keeps_what_import_needs(stack: Stack, tmp_path: Path) -> None:
    assert SOFFICE is not None
    wild = {"=1+1": {"text": "=1+1"}, "C_x0041_": {"text": "_x0041_"}, "00123": {}, " a  b\x07": {"text": "a\r\nb\x07"}}
    store_run(stack, wild | {f"C{n}": {} for n in range(16)})
    sheet, console = tmp_path / "sheet.xlsx", Console(width=80)
    export(stack, RUN, 20, 1, sheet, console, queue=False)
    edit(sheet, [(row, "label", DEFECT if row < 3 else BILLING) for row in range(19)])
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = (SOFFICE, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(sheet))
    subprocess.run(convert, check=True, capture_output=True, timeout=300)
    saved = tmp_path / "out" / "sheet.xlsx"
    page = load_workbook(saved, data_only=True)[REVIEW]
    expected = wilson(16, 19)
    assert page["B3"].value == pytest.approx(expected.value)
    assert (page["B4"].value, page["C4"].value) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert page["C3"].value == "19 of 20 random rows reviewed"
    assert "=1+1" in column(saved, "case_id")
    import_sheet(stack, saved, console, partial=False, as_json=False)
    labels = read_gold("root_cause", S3ObjectStore(stack.data_bucket))
    assert len(labels) == 19
    assert sum(label.category == DEFECT for label in labels.values()) == 3
