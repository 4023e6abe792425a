"""Reversible networks for the tests: of perceptrons, of convolutions, and an i-RevNet."""

import torch
from torch import nn

from dgm_lib.nets import MLP, Reversible, ReversibleBlock, SpaceToDepth


def chain(blocks):
    """The ordinary network of the same blocks."""
    return nn.Sequential(*blocks)


def mlp_blocks(depth, d=4, hidden=(16,), seed=0):
    torch.manual_seed(seed)
    half = d // 2
    blocks = (
        ReversibleBlock(MLP(half, half, hidden), MLP(half, half, hidden)) for _ in range(depth)
    )
    return [block.double() for block in blocks]


def conv(channels, width=16):
    """A small convolutional network that keeps the shape, as in i-RevNet."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(width, channels, 3, padding=1),
    )


def irevnet(width=16, seed=0):
    """From an 8×8 image to 64 features, without a loss."""
    torch.manual_seed(seed)
    blocks = []
    for channels in (4, 16, 64):
        blocks.append(SpaceToDepth())
        half = channels // 2
        blocks += [ReversibleBlock(conv(half, width), conv(half, width), dim=-3) for _ in range(2)]
    return Reversible(blocks)
