"""The notebook runs from its first cell to its last, and shows what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.paths import ROOT, SAMPLE


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that has the sample and nothing else."""
    import nbformat  # which no other process of the tests needs
    from nbclient import NotebookClient

    shutil.copy(SAMPLE, tmp_path)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("LUIGI_CONFIG_PATH", str(ROOT / "luigi.cfg"))
    notebook = nbformat.read(ROOT / "examples" / "image_etl.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]
    text = [str(output) for output in outputs]
    assert text[1].count("PENDING") == 4, text
    assert "4 ran successfully" in text[2]
    assert "1 complete ones were encountered" in text[3]
    assert text[3].count("COMPLETE") == 4
    assert "image/gif" in outputs[4][0]["data"]
