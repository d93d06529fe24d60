"""The picture of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adjudge.train.checkpoint import History
from adjudge.train.curves import draw_curves
from adjudge.train.outcome import Evaluation, StepRecord


def history(folder: Path, steps: int, evaluations: list[Evaluation]) -> History:
    found = History(folder, keep_until=0)
    for number in range(1, steps + 1):
        found.add(StepRecord(step=number, loss=2 / number, learning_rate=1e-5, gradient_norm=1.0, tokens=10, seconds=0.1))
    for evaluation in evaluations:
        found.add(evaluation)
    return found


def measured(step: int, *, sources: int = 0) -> Evaluation:
    measures = {"nDCG@10": 0.5, "RR@10": 0.4, "Success@1": 0.3} | {f"nDCG@10 of 来源 {n}": 0.1 * n for n in range(sources)}
    return Evaluation(step=step, measures=measures, spread=1.0)


def pixels(path: Path) -> np.ndarray:
    """(rows, columns, 4) of a PNG."""
    from matplotlib.image import imread

    found: np.ndarray = imread(path)
    return found


@pytest.mark.parametrize("steps", [1, 200])
@pytest.mark.parametrize("evaluations", [0, 3])
def test_a_picture_is_drawn_of_any_history(tmp_path: Path, steps: int, evaluations: int) -> None:
    path = draw_curves(history(tmp_path, steps, [measured(n) for n in range(evaluations)]), tmp_path / "curves.png")
    assert path == tmp_path / "curves.png"
    drawn = pixels(path)
    assert drawn.shape == (720, 1080, 4)
    assert (drawn[:, :, :3] < 0.9).any(axis=2).mean() > 0.005  # not a blank sheet


def test_more_to_see_is_more_ink(tmp_path: Path) -> None:
    def ink(name: str, evaluations: list[Evaluation]) -> float:
        (tmp_path / name).mkdir()
        path = draw_curves(history(tmp_path / name, 50, evaluations), tmp_path / f"{name}.png")
        assert path is not None
        lower = pixels(path)[400:]
        return float((lower[:, :, :3] < 0.9).any(axis=2).mean())

    assert ink("with", [measured(0), measured(25), measured(50)]) > 1.2 * ink("without", [])


def test_a_measure_that_came_later_is_drawn_from_there(tmp_path: Path) -> None:
    """A dev set that grew between two starts; more sources than there are lines for; names in any script."""
    assert draw_curves(history(tmp_path, 20, [measured(0), measured(20, sources=12)]), tmp_path / "curves.svg") == tmp_path / "curves.svg"
    assert (tmp_path / "curves.svg").read_bytes().startswith(b"<?xml")


def test_nothing_happened_nothing_is_drawn(tmp_path: Path) -> None:
    assert draw_curves(history(tmp_path, 0, [measured(0)]), tmp_path / "curves.png") is None
    assert not (tmp_path / "curves.png").exists()


def test_the_caller_s_own_matplotlib_is_left_alone(tmp_path: Path) -> None:
    """No pyplot, no backend chosen: both belong to whoever draws in the same process."""
    import subprocess
    import sys

    script = (
        "import sys; from pathlib import Path; from adjudge.train.checkpoint import History; from adjudge.train.curves import draw_curves;"
        "from adjudge.train.outcome import StepRecord; h = History(Path(sys.argv[1]), keep_until=0);"
        "h.add(StepRecord(step=1, loss=1.0, learning_rate=1.0, gradient_norm=1.0, tokens=1, seconds=1.0));"
        "draw_curves(h, Path(sys.argv[1]) / 'curves.png'); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
