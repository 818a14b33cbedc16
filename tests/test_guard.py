"""A script whose worker processes would run it again is told so, before any is started."""

from __future__ import annotations

import importlib
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import luigi_environment
from support.paths import SAMPLE
from support.warm import PATIENCE_S

from luigi_gif.errors import ClusterError

pytestmark = pytest.mark.slow

CHECK = "from luigi_gif.execution.main_guard import check_script_is_guarded as check\n"
MAIN = "def main():\n    check()\n"


@pytest.mark.parametrize(
    ("script", "is_guarded"),
    [
        ("check()\n", False),
        (MAIN + "main()\n", False),
        (MAIN + "if True:\n    main()\n", False),
        (MAIN + "if __name__ == '__main__':\n    main()\n", True),
        (MAIN + "if True:\n    if '__main__' == __name__:\n        main()\n", True),
        ("if __name__ != '__main__':\n    raise SystemExit\ncheck()\n", True),
        ("import logging\nlogging.getLogger(__name__)\ncheck()\n", False),
    ],
)
def test_a_script_without_a_guard_is_named(tmp_path: Path, script: str, is_guarded: bool) -> None:
    """With the line that calls at its top level."""
    path = tmp_path / "script.py"
    path.write_text(CHECK + script)
    if is_guarded:
        runpy.run_path(str(path), run_name="__main__")
    else:
        with pytest.raises(ClusterError, match="__name__ == '__main__'") as error:
            runpy.run_path(str(path), run_name="__main__")
        assert error.value.where == f"{path}, line {len((CHECK + script).splitlines())}"


def test_what_is_imported_needs_no_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a package's __main__.py, which a spawned process leaves out."""
    package = tmp_path / "unguarded"
    package.mkdir()
    (package / "__main__.py").write_text(CHECK + "check()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    runpy.run_module("unguarded", run_name="__main__", alter_sys=True)
    importlib.import_module("unguarded.__main__")


def test_a_run_without_a_guard_ends_with_one_error(tmp_path: Path) -> None:
    """Before a worker is started, where LocalCluster is to start them."""
    (tmp_path / "script.py").write_text(
        "import luigi, luigi_gif\n"
        "from luigi.configuration import get_config\n"
        "get_config().set('dask', 'cluster', 'distributed.LocalCluster')\n"
        f"task = luigi_gif.CombineGif(url={str(SAMPLE)!r}, workdir='work')\n"
        "print(luigi.build([task], local_scheduler=True))\n"
    )
    result = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=luigi_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.stdout == "False\n"
    said = result.stderr.count("each worker process would run this script again\n")
    assert said in (1, 2)  # in the log, and with what failed
    assert f"where:    {tmp_path / 'script.py'}, line 5\n" in result.stderr


def test_a_worker_at_such_a_script_does_nothing(tmp_path: Path) -> None:
    """It would wait for the lock of the run that started it."""
    (tmp_path / "script.py").write_text(
        "import multiprocessing, luigi_gif\n"
        "from luigi_gif.errors import ClusterError\n"
        f"task = luigi_gif.DownloadData(url={str(SAMPLE)!r}, workdir='work')\n"
        "if __name__ != '__main__':\n"
        "    try:\n"
        "        task.run()\n"
        "    except ClusterError as error:\n"
        "        print(error.what)\n"
        "else:\n"
        "    process = multiprocessing.get_context('spawn').Process(target=task.run)\n"
        "    process.start()\n"
        "    process.join()\n"
        "    raise SystemExit(process.exitcode)\n"
    )
    command = [sys.executable, "script.py"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert result.stdout == "each worker process would run this script again\n", result.stderr
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "work" / "image-data.img").exists()


def test_a_process_whose_main_module_is_replaced_is_no_worker(tmp_path: Path) -> None:
    """As IPython's kernel, or a debugger, replaces it, whatever was imported before."""
    code = (
        "import multiprocessing, sys, types, luigi_gif\n"
        "sys.modules['__main__'] = types.ModuleType('__main__')\n"
        f"luigi_gif.DownloadData(url={str(SAMPLE)!r}, workdir='work').run()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=PATIENCE_S, check=True)
    assert (tmp_path / "work" / "image-data.img").exists()
