"""FaceCoresetNet on stored vectors: chooses a few faces, and blends what all faces say into them.

In order, for the faces of one person with unit vectors u and quality q:

1. Choice, as in `descriptors.coreset`: the best face, then again and again the one with the highest
   q ** gamma * distance to the nearest chosen one; gamma is learned. In training the choice is a
   straight-through Gumbel softmax, so that gradients reach gamma; otherwise it is a plain argmax.
2. Features f = sqrt(d) q u, and an encoding of q: sines and cosines, then a layer norm.
3. One self-attention among the chosen faces, one cross-attention from them to all faces; what comes
   of it is added to the chosen features. The result is the mean over the chosen, of unit length.

What differs from the paper, and why:

- Its q is the length of the vector before scaling, 10 to 30; ours is the stored quality, 0..1. So
  features are scaled by sqrt(d), to the size of the encoding, and gamma starts at 1, not at .01.
- Scores are multiplied by 20 before noise is added: at 1, as in the paper, noise would drown scores
  between 0 and 1, and the training would choose faces by chance.
- The layer norm that ends the cross-attention starts with gain 0: the network begins as the plain
  coreset (its quality-weighted mean), and with few people to learn from it does not have to find
  that first. The paper starts it at 1.
- At most as many faces are chosen as there are; inference adds no noise (the paper's code does).

Source: Shapira and Keller, "FaceCoresetNet: Differentiable Coresets for Face Set Recognition",
AAAI 2024, supplement, listing 1; Jang, Gu and Poole, ICLR 2017 (the straight-through estimate).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Net", "Parameters", "Shape", "Tensor", "aggregate", "new_parameters"]

Tensor: TypeAlias = Any  # PyTorch's; its types are not there where the extra is not
Parameters: TypeAlias = "dict[str, Tensor]"

# Of quality, in powers and products: of 0 there is no logarithm to learn from.
QUALITY_FLOOR = 0.05
NOISE_SCALE = 20.0
LONGEST_WAVE = 10_000.0
NORM_EPSILON = 1e-5
_DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class Shape:
    """What cannot change once a network is trained.

    Args:
        dimension: of the vectors; a multiple of `heads`, and even.
        size: faces chosen at most.
        heads: of the attentions.
    """

    dimension: int
    size: int = 3
    heads: int = 8

    def __post_init__(self) -> None:
        if self.dimension % (2 * self.heads) or self.size < 1:
            raise ValueError(f"{self.dimension} numbers cannot be dealt to {self.heads} heads")


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """A network: its shape and its parameters."""

    shape: Shape
    parameters: Parameters


def new_parameters(shape: Shape, *, seed: int) -> Parameters:
    """Return the parameters that a training starts from; the same for the same seed.

    Args:
        shape: of the network.
        seed: of the random matrices (uniform, after Glorot and Bengio).
    """
    import torch  # noqa: PLC0415 - the extra; see the package

    generator = torch.Generator().manual_seed(seed)
    d = shape.dimension

    def matrix(rows: int) -> Tensor:
        bound = math.sqrt(6 / (rows + d))
        return (torch.rand((rows, d), generator=generator) * 2 - 1) * bound

    parameters: Parameters = {"gamma": torch.tensor(math.log(math.expm1(1.0)))}
    for part in ("self", "cross"):
        parameters[f"{part}.in"] = matrix(3 * d)
        parameters[f"{part}.in_shift"] = torch.zeros(3 * d)
        parameters[f"{part}.out"] = matrix(d)
        parameters[f"{part}.out_shift"] = torch.zeros(d)
    for part in ("encoding", "self", "cross"):
        parameters[f"{part}.norm"] = torch.zeros(d) if part == "cross" else torch.ones(d)
        parameters[f"{part}.norm_shift"] = torch.zeros(d)
    return {name: value.requires_grad_() for name, value in parameters.items()}


def aggregate(
    net: Net,
    vectors: Tensor,
    quality: Tensor,
    present: Tensor,
    *,
    learning: bool = False,
) -> tuple[Tensor, Tensor]:
    """Make one vector of each set of faces.

    Args:
        net: the network.
        vectors: (b, t, d) unit; anything where no face is.
        quality: (b, t) 0..1.
        present: (b, t) bool; a face in each set at least.
        learning: choose with noise and drop some of the attention, drawn from PyTorch's global
            generator.

    Returns:
        (b, d) unit vectors, and (b,) their lengths before.
    """
    import torch  # noqa: PLC0415 - the extra
    from torch.nn import functional  # noqa: PLC0415

    d = net.shape.dimension
    held = quality.clamp(min=QUALITY_FLOOR)
    chosen, their_quality, counts = _choose(net, vectors, held, present, learning=learning)
    features = math.sqrt(d) * held[..., None] * vectors
    core = math.sqrt(d) * their_quality[..., None] * chosen
    queries = core + _encoding(net.parameters, their_quality)
    among = _attend(net, "self", queries, queries, queries, counts, learning=learning)
    queries = _norm(net.parameters, "self", queries + among)
    keys = features + _encoding(net.parameters, held)
    heard = _attend(net, "cross", queries, keys, features, present, learning=learning)
    blended = core + _norm(net.parameters, "cross", core + heard)
    weights = counts / counts.sum(dim=1, keepdim=True)
    summed = torch.einsum("bk,bkd->bd", weights, blended)
    return functional.normalize(summed, dim=1), summed.norm(dim=1)


def _choose(
    net: Net, vectors: Tensor, quality: Tensor, present: Tensor, *, learning: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Choose up to `size` faces of each set.

    Returns:
        (b, k, d) their vectors, (b, k) their quality, (b, k) bool whether there were so many.
    """
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    worth = quality ** functional.softplus(net.parameters["gamma"])
    free = present.clone()
    distance = torch.ones_like(quality)
    chosen, qualities = [], []
    for turn in range(net.shape.size):
        scores = worth * distance if turn else quality
        picked = _pick(scores, torch.where(free.any(dim=1, keepdim=True), free, present), learning)
        free = free & (picked.detach() < 0.5)
        vector = torch.einsum("bt,btd->bd", picked, vectors)
        chosen.append(vector)
        qualities.append((picked * quality).sum(dim=1))
        cosine = torch.einsum("btd,bd->bt", vectors, vector)
        distance = torch.minimum(distance, ((1 - cosine) / 2).clamp(min=0))
    turns = torch.arange(net.shape.size)
    return (
        torch.stack(chosen, dim=1),
        torch.stack(qualities, dim=1),
        turns < present.sum(dim=1, keepdim=True),
    )


def _pick(scores: Tensor, among: Tensor, learning: bool) -> Tensor:  # noqa: FBT001 - private
    """Return (b, t) a one where the highest score is, the first of several; zeros elsewhere."""
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    scores = scores.masked_fill(~among, -torch.inf)
    if not learning:
        return functional.one_hot(scores.argmax(dim=1), scores.shape[1]).to(scores.dtype)
    noise = -torch.empty_like(scores).exponential_().log()
    soft = functional.softmax(NOISE_SCALE * scores + noise, dim=1)
    hard = functional.one_hot(soft.argmax(dim=1), scores.shape[1]).to(scores.dtype)
    return hard + soft - soft.detach()


def _encoding(parameters: Parameters, quality: Tensor) -> Tensor:
    """Turn (...,) qualities into (..., d) waves."""
    import torch  # noqa: PLC0415

    half = len(parameters["encoding.norm"]) // 2
    slower = LONGEST_WAVE ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = 2 * math.pi * quality[..., None] * slower
    return _norm(parameters, "encoding", torch.cat([angles.sin(), angles.cos()], dim=-1))


def _norm(parameters: Parameters, part: str, values: Tensor) -> Tensor:
    from torch.nn import functional  # noqa: PLC0415

    gain, shift = parameters[f"{part}.norm"], parameters[f"{part}.norm_shift"]
    return functional.layer_norm(values, gain.shape, gain, shift, NORM_EPSILON)


def _attend(
    net: Net,
    part: str,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    present: Tensor,
    *,
    learning: bool,
) -> Tensor:
    """Let (b, k, d) queries hear (b, t, d) values; `present` says where there are any."""
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    parameters = net.parameters
    matrices = parameters[f"{part}.in"].chunk(3)
    shifts = parameters[f"{part}.in_shift"].chunk(3)
    q, k, v = (
        functional.linear(given, matrix, shift).unflatten(-1, (net.shape.heads, -1)).transpose(1, 2)
        for given, matrix, shift in zip((queries, keys, values), matrices, shifts, strict=True)
    )
    alike = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    alike = alike.masked_fill(~present[:, None, None, :], -torch.inf)
    weights = functional.dropout(alike.softmax(dim=-1), _DROPOUT, training=learning)
    heard = (weights @ v).transpose(1, 2).flatten(-2)
    return functional.linear(heard, parameters[f"{part}.out"], parameters[f"{part}.out_shift"])
