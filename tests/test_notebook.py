"""The notebook runs from its first cell to its last, and its stored outputs are what it shows."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Iterator
from typing import Any

import pytest
from support.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("notebook")]  # which runs once

NOTEBOOK = ROOT / "examples" / "image_etl.ipynb"


def read_notebook() -> Any:
    import nbformat  # which no other process of the tests needs

    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: Any) -> Iterator[Any]:
    return (cell for cell in notebook.cells if cell["cell_type"] == "code")


def outputs(notebook: Any, kind: str) -> list[str]:
    """What was printed, or shown as the MIME type ``kind``, in its order."""
    found = []
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            shown = output["text"] if kind == "stdout" == output.get("name") else None
            shown = shown or output.get("data", {}).get(kind)
            found += [shown] if shown else []
    return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook, run in an empty folder without a luigi.cfg."""
    from nbclient import NotebookClient

    resources = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PLATFORM_DIRS", "1")
        environment.delenv("LUIGI_CONFIG_PATH", raising=False)
        # What a cell prints may come in pieces, if the machine is busy.
        return NotebookClient(
            read_notebook(), timeout=None, coalesce_streams=True, resources=resources
        ).execute()


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
def test_the_notebook_runs(shown: Any) -> None:
    """In an empty folder: four tasks are drawn, run once, and are skipped the second time."""
    before, after = outputs(shown, "image/svg+xml")
    assert before.count("PENDING") == 4
    assert after.count("COMPLETE") == 4
    texts = outputs(shown, "stdout")
    (ran,) = (number for number, text in enumerate(texts) if "4 ran successfully" in text)
    assert "1 complete ones were encountered" in texts[ran + 1]
    assert "ran successfully" not in texts[ran + 1]
    assert len(outputs(shown, "image/gif")) == 2


@pytest.mark.filterwarnings("ignore")
def test_the_stored_outputs_are_those_of_a_run(shown: Any) -> None:
    """But for numbers of bytes, which another Pillow changes."""
    stored = read_notebook()
    assert outputs(stored, "image/svg+xml") == outputs(shown, "image/svg+xml")
    assert len(outputs(stored, "image/gif")) == 2
    now, then = (
        [line for text in outputs(each, "stdout") for line in text.splitlines()]
        for each in (shown, stored)
    )
    assert [line for line in now if "waypoints" not in line] == [
        line for line in then if "waypoints" not in line
    ]


def test_the_stored_outputs_name_no_machine() -> None:
    """No absolute path, host, user or log, and nothing of when they were made."""
    stored = read_notebook()
    assert [cell["execution_count"] for cell in code_cells(stored)] == list(
        range(1, len(list(code_cells(stored))) + 1)
    )
    for cell in code_cells(stored):
        assert cell["metadata"] == {}
        for output in cell["outputs"]:
            assert output.get("name") != "stderr"
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            assert "=/" not in text
            assert str(ROOT) not in text
            assert platform.node() not in text.split()
            assert getpass.getuser() not in text.split()
