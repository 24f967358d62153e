"""Trains the network, and goes on after an interruption as if there had been none.

Loss: one less the cosine between what is made of a set and the mean of the same person's photos
that are not in the set. That is CAFace's, with what is left over in place of a class's centre. The
paper's cross-entropy over an AdaFace head is there to compare (`Loss.CLASSES`): with few people it
learns them by heart.

What a step draws depends on the seed and its number only, never on the steps before. So a
checkpoint needs no state of any generator, and a resumed training ends with the same numbers.

Source: Kim, Liu, Jain and Liu, "Cluster and Aggregate" (CAFace), NeurIPS 2022; Kim, Jain and Liu,
"AdaFace", CVPR 2022; optimiser, clipping and the learning rate of gamma: Shapira and Keller 2024.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np

from facesort.training.checkpoint import Checkpoint
from facesort.training.data import Sets
from facesort.training.head import AdaFaceHead
from facesort.training.net import Net, aggregate, new_parameters
from facesort.training.recipe import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from facesort.protocols import Progress
    from facesort.training.data import FaceViews
    from facesort.training.recipe import Recipe

__all__ = ["SAVE_EVERY", "train"]


# Steps between two checkpoints: some seconds' work.
SAVE_EVERY = 200

# What the optimiser remembers of each parameter.
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def train(
    views: FaceViews,
    recipe: Recipe,
    checkpoint: Path,
    progress: Progress,
    *,
    save_every: int = SAVE_EVERY,
    after_save: Callable[[], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train; return the parameters by name.

    Args:
        views: the faces of the people to learn from.
        recipe: how.
        checkpoint: where the state is kept from time to time; a training of the same faces by the
            same recipe goes on from there. Ctrl-C loses the steps since it was written: seconds.
        progress: is told of each step.
        save_every: steps between two checkpoints; no result depends on it.
        after_save: called after each checkpoint; tests kill the process there.

    Raises:
        ValueError: nobody has two photos.
        OSError: the checkpoint cannot be written.
    """
    import torch  # noqa: PLC0415 - the extra; see the package

    state = _State(recipe, Sets(views))
    keeper = Checkpoint(checkpoint, recipe.key(views))
    stored = keeper.load()
    if stored is not None:
        state.restore(*stored)
        progress.note(f"Going on from step {state.step:,} of an earlier run.")
    # Only what is left: steps of an earlier run say nothing of how fast this one is.
    progress.start("Training", recipe.steps - state.step, "step")
    try:
        with torch.random.fork_rng(devices=[]), _one_thread():
            while state.step < recipe.steps:
                state.advance()
                progress.advance()
                if state.step % save_every == 0 or state.step == recipe.steps:
                    keeper.save(state.arrays(), state.step)
                    if after_save is not None:
                        after_save()
    finally:
        progress.finish()
    return {name: value.detach().numpy() for name, value in state.net.parameters.items()}


class _State:
    """A training at some step.

    Args:
        recipe: how to train.
        sets: draws what is learned from.
    """

    def __init__(self, recipe: Recipe, sets: Sets) -> None:
        import torch  # noqa: PLC0415 - the extra

        parameters = new_parameters(recipe.shape, seed=recipe.seed)
        self.net = Net(recipe.shape, parameters)
        self.step = 0
        self._recipe = recipe
        self._sets = sets
        self._head = None if recipe.loss is Loss.CENTRE else AdaFaceHead(sets.centres())
        learned = {**parameters, **(self._head.parameters if self._head else {})}
        self._learned = learned
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [value for value in learned.values() if value.dim() > 1]},
                {
                    "params": [value for value in learned.values() if value.dim() < 2],
                    "weight_decay": 0.0,
                },
            ],
            lr=recipe.rate,
            weight_decay=recipe.decay,
        )

    def advance(self) -> None:
        """Take one step; what it draws depends on the seed and its number only."""
        import torch  # noqa: PLC0415

        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, self.step])
        torch.manual_seed(int(rng.integers(1 << 62)))
        batch = self._sets.draw(recipe.sets, rng)
        made, lengths = aggregate(
            self.net,
            torch.from_numpy(batch.vectors),
            torch.from_numpy(batch.quality),
            torch.from_numpy(batch.present),
            learning=True,
        )
        if self._head is None:
            loss = (1 - (made * torch.from_numpy(batch.centres)).sum(dim=1)).mean()
        else:
            loss = self._head.loss(made, lengths, torch.from_numpy(batch.person))
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(self.step, recipe.steps)
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self._learned.values()), recipe.clip)
        self._optimiser.step()
        self.step += 1

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return everything that the next steps need."""
        found = {f"value/{name}": value for name, value in self._learned.items()}
        for name, value in self._learned.items():
            state = self._optimiser.state[value]
            found |= {f"{part}/{name}": state[part] for part in _MOMENTS if part in state}
        if self._head is not None:
            found["head/statistics"] = self._head.statistics
        return {name: value.detach().numpy() for name, value in found.items()}

    def restore(self, arrays: dict[str, NDArray[np.float32]], step: int) -> None:
        """Go to the state that `arrays` returned after that step."""
        import torch  # noqa: PLC0415

        with torch.no_grad():
            for name, value in self._learned.items():
                value.copy_(torch.from_numpy(arrays[f"value/{name}"]))
                self._optimiser.state[value] = {
                    part: torch.from_numpy(arrays[f"{part}/{name}"].copy()) for part in _MOMENTS
                }
            if self._head is not None:
                self._head.statistics.copy_(torch.from_numpy(arrays["head/statistics"]))
        self.step = step


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch compute on one thread.

    A step is many small products: 18 ms of CPU on one thread, and on two, on a machine that has
    something else to do, 220 to 290 (64 sets, 128 numbers; PyTorch 2.13, 2026-11-22). And sums do
    not depend on how many cores there are.
    """
    import torch  # noqa: PLC0415

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _schedule(step: int, steps: int) -> float:
    """Return the share of the learning rate."""
    rising = max(1, steps // 20)
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
