"""The training: it learns, and an interruption changes nothing about what comes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from facesort.training.checkpoint import Checkpoint
from facesort.training.data import FaceViews, Sets
from facesort.training.net import Net, Shape, aggregate, new_parameters
from facesort.training.recipe import Loss, Recipe
from tests.fakes import SilentProgress
from tests.terminal import REPOSITORY

if TYPE_CHECKING:
    from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from facesort.training import loop  # noqa: E402 - after the skip, as the reader expects

SHAPE = Shape(32, 3, 4)
RECIPE = Recipe(SHAPE, seed=3, steps=25, sets=4)
EVERY = 10


def junk_world() -> FaceViews:
    """Return people some of whose copies are junk of the highest quality: it can be told by eye."""
    rng = np.random.default_rng(0)
    people, each = 24, 6
    names = [f"p{person:02d}" for person in range(people) for _ in range(each)]
    centres = np.repeat(rng.standard_normal((people, 32)), each, axis=0)[:, None]
    clean = centres + 0.3 * rng.standard_normal((len(names), 3, 32))
    junk = 10 * np.eye(32)[0] + 0.3 * rng.standard_normal((len(names), 2, 32))
    vectors = np.concatenate([clean, junk], axis=1)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    quality = np.concatenate([np.full((len(names), 3), 0.6), np.full((len(names), 2), 0.9)], axis=1)
    return FaceViews(vectors.astype(np.float32), quality.astype(np.float32), 2, names)


def likeness(values: dict[str, NDArray[np.float32]]) -> float:
    """Return the mean cosine of what is made of sets and what should have been."""
    batch = Sets(junk_world()).draw(200, np.random.default_rng(77))
    net = Net(SHAPE, {name: torch.from_numpy(value) for name, value in values.items()})
    given = [torch.from_numpy(a) for a in (batch.vectors, batch.quality, batch.present)]
    with torch.no_grad():
        found, _ = aggregate(net, *given)
    return float((found.numpy() * batch.centres).sum(axis=1).mean())


class Killed(Exception):
    """Stands for a process that ends between two steps."""


@pytest.mark.parametrize("loss", list(Loss))
def test_it_learns_to_leave_junk_out(loss, tmp_path):
    recipe = Recipe(SHAPE, seed=3, steps=150, sets=16, rate=5e-3, loss=loss)
    before = {n: v.detach().numpy() for n, v in new_parameters(SHAPE, seed=3).items()}
    after = loop.train(junk_world(), recipe, tmp_path / "checkpoint", SilentProgress())
    assert likeness(after) > likeness(before) + 0.05


def test_ctrl_c_keeps_the_checkpoint_and_the_next_run_ends_alike(tmp_path):
    whole = loop.train(junk_world(), RECIPE, tmp_path / "whole", SilentProgress())

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train(
            junk_world(),
            RECIPE,
            tmp_path / "halves",
            SilentProgress(),
            save_every=EVERY,
            after_save=interrupt,
        )
    progress = SilentProgress()
    resumed = loop.train(junk_world(), RECIPE, tmp_path / "halves", progress)
    assert progress.notes == ["Going on from step 10 of an earlier run."]
    assert progress.totals == {"Training": RECIPE.steps - 10}
    assert whole.keys() == resumed.keys()
    assert all((whole[name] == resumed[name]).all() for name in whole)


_KILLED = """
import os, signal, sys
from pathlib import Path
from facesort.training import loop
from tests.fakes import SilentProgress
from tests.unit.test_training_loop import EVERY, RECIPE, junk_world

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

loop.train(
    junk_world(), RECIPE, Path(sys.argv[1]), SilentProgress(), save_every=EVERY, after_save=kill
)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_training_goes_on_and_ends_with_the_same_numbers(tmp_path):
    for step in (10, 20):  # killed after each of these checkpoints
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(tmp_path / "killed")],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, step
    resumed = loop.train(junk_world(), RECIPE, tmp_path / "killed", SilentProgress())
    whole = loop.train(junk_world(), RECIPE, tmp_path / "whole", SilentProgress())
    assert all((whole[name] == resumed[name]).all() for name in whole)


def test_a_checkpoint_of_other_faces_or_another_seed_is_not_gone_on_from(tmp_path):
    path: Path = tmp_path / "checkpoint"
    Checkpoint(path, RECIPE.key(junk_world())).save({"value/gamma": np.zeros(1, np.float32)}, 499)
    other = Recipe(SHAPE, seed=4, steps=2, sets=2)
    progress = SilentProgress()
    loop.train(junk_world(), other, path, progress)
    assert progress.notes == []
