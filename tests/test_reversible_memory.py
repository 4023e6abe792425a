"""What reversible networks are for: the memory that training takes is flat in depth."""

import weakref

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dgm_lib.nets import Reversible, ReversibleBlock, saved_bytes
from tests.reversibles import chain, conv, mlp_blocks

DOUBLE = torch.float64


class Peak(TorchDispatchMode):
    """The most bytes of tensors made inside that were alive at once."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self._known = weakref.WeakSet()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        before = {t.untyped_storage()._cdata for t in tree_leaves(args) if torch.is_tensor(t)}
        for tensor in tree_leaves(result):
            if torch.is_tensor(tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in before and storage not in self._known:
                    self._known.add(storage)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._freed, storage.nbytes())
        self.most = max(self.most, self.now)
        return result

    def _freed(self, n):
        self.now -= n


def peak(function, *args):
    """Bytes at the worst moment of function(*args) and its backward pass."""
    with Peak() as memory:
        function(*args).sum().backward()
    return memory.most


def test_saved_bytes_counts_each_piece_once_and_no_parameter():
    x = torch.randn(10, 3, requires_grad=True)
    assert saved_bytes(torch.exp, x) == 10 * 3 * 4
    assert saved_bytes(lambda x: x * x, x) == 0  # the argument itself
    assert saved_bytes(lambda x: x.exp() * x.exp(), x) == 2 * 10 * 3 * 4
    assert saved_bytes(nn.Linear(3, 5), x) == 0
    hidden = nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 2))
    assert saved_bytes(hidden, x.detach()) == 10 * 7 * 4
    assert saved_bytes(lambda x: (x.exp().sum(), (2 * x).sum())[1], x) == 0  # of which none is kept
    assert saved_bytes(hidden.requires_grad_(False), x) == 10 * 7 * 4
    with torch.no_grad():
        assert saved_bytes(torch.exp, x) == 0


@pytest.mark.parametrize("kind", ["vectors", "images"])
def test_memory_is_flat_in_depth_where_the_plain_chain_grows(kind):
    def net(depth):
        if kind == "vectors":
            return mlp_blocks(depth, d=8, hidden=(32,))
        return [ReversibleBlock(conv(2, 8), conv(2, 8), dim=-3).double() for _ in range(depth)]

    shape = (256, 8) if kind == "vectors" else (32, 4, 4, 4)
    x = torch.randn(shape, dtype=DOUBLE)
    depths = (2, 8, 32)
    ours = [saved_bytes(Reversible(net(depth)), x) for depth in depths]
    plain = [saved_bytes(chain(net(depth)), x) for depth in depths]
    assert ours == [x.nbytes] * 3  # the output and nothing else
    assert plain[2] > 3.5 * plain[1] > 12 * plain[0]


def test_the_true_peak_is_flat_in_depth_too():
    x = torch.randn(512, 8, dtype=DOUBLE)
    depths = (2, 8, 32)

    def peaks(network):
        found = []
        for depth in depths:
            blocks = mlp_blocks(depth, d=8, hidden=(64,))
            parameters = sum(p.nbytes for block in blocks for p in block.parameters())
            found.append(peak(network(blocks), x) - parameters)  # for their gradients
        return found

    ours, plain = peaks(Reversible), peaks(chain)
    assert max(ours) < 1.1 * min(ours)
    assert plain[2] > 3 * plain[1] and plain[2] > 10 * ours[2]


def test_the_measure_of_the_peak_sees_what_is_kept():
    x = torch.randn(1000, requires_grad=True)
    kept = []
    assert peak(lambda x: kept.append(torch.zeros(5000)) or x.exp(), x) > 5000 * 4
    assert peak(lambda x: x.exp(), x) < 5 * 1000 * 4
