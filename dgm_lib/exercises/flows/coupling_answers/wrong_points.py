"""Wrong points, gradients and modules of a coupling: name, class, the sentence that names it."""

import torch
from torch import nn
from torch.nn.functional import softplus

from dgm_lib.exercises.flows.coupling_answers.pieces import (
    Coupling,
    with_ladj,
    with_map,
    with_methods,
)


def _lost(self, x):
    z, ladj = Coupling.forward(self, x)
    return z * ~self.mask, ladj


def _x_added(self, x):
    z, ladj = Coupling.forward(self, x)
    return x + z * ~self.mask, ladj


def _interleaved(self, x):
    out = self.net(x * self.mask)
    return out[..., ::2], out[..., 1::2]


def _bounded(self, x):
    s, t = Coupling.chunks(self, x)
    return s.tanh(), t


def _shift_everywhere(self, x):
    s, t = self.chunks(x)
    return s * ~self.mask, t


def _scale_everywhere(self, x):
    s, t = self.chunks(x)
    return s, t * ~self.mask


def _in_place(self, x):
    s, t = self.pieces(x)
    x[..., ~self.mask] = (x * s.exp() + t)[..., ~self.mask]
    return x, s.sum(dim=-1)


def _everything_back(self, z):
    s, t = (out * ~self.mask for out in self.net(z).chunk(2, dim=-1))
    return (z - t) * (-s).exp(), -s.sum(dim=-1)


def _other_half_back(self, z):
    s, t = (out * ~self.mask for out in self.net(z * ~self.mask).chunk(2, dim=-1))
    return (z - t) * (-s).exp(), -s.sum(dim=-1)


def _keeps(self, x):
    self.last = self.pieces(x)
    s, t = self.last
    return x * s.exp() + t, s.sum(dim=-1)


def _uses_what_was_kept(self, z):
    s, t = self.last
    return (z - t) * (-s).exp(), -s.sum(dim=-1)


def _plain_mask(self, net, mask):
    nn.Module.__init__(self)
    self.net, self.mask = net, mask


def _net_in_a_list(self, net, mask):
    nn.Module.__init__(self)
    self.nets = [net]
    self.register_buffer("mask", mask)


def _two_dimensions(self, x):
    s, t = self.pieces(x)
    z = x.clone()
    z[:, ~self.mask] = x[:, ~self.mask] * s[:, ~self.mask].exp() + t[:, ~self.mask]
    return z, s.sum(dim=-1)


class _NoModule:
    def __init__(self, net, mask):
        self.net, self.mask = net, mask

    forward, inverse = Coupling.forward, Coupling.inverse


TWO_DIMENSIONS = (
    "two dimensions only",
    with_methods(forward=_two_dimensions),
    "only x of shape (n, d) works: x[..., mask] and dim=-1 do for any batch",
)

FEWER_COORDINATES = (
    "net gets fewer coordinates",
    with_methods(chunks=lambda self, x: self.net(x[..., self.mask]).chunk(2, dim=-1)),
    "the net takes all d coordinates, 0 where the mask is False: x * mask, not x[..., mask]",
)

WRONG = (
    (
        "mask swapped",
        with_methods(__init__=lambda self, net, mask: Coupling.__init__(self, net, ~mask)),
        "the mask is the other way round: where it is True, x passes unchanged",
    ),
    (
        "s and t swapped",
        with_methods(chunks=lambda self, x: Coupling.chunks(self, x)[::-1]),
        "s and t are swapped: the first half of the net's output is s, the second t",
    ),
    (
        "interleaved",
        with_methods(chunks=_interleaved),
        "s and t are not interleaved: all of s come first, then all of t, as .chunk(2, dim=-1)",
    ),
    (
        "net sees everything",
        with_methods(chunks=lambda self, x: self.net(x).chunk(2, dim=-1)),
        "the net sees all of x, and inverse cannot know its s and t from z: mask the net's input",
    ),
    (
        "net sees the other half",
        with_methods(chunks=lambda self, x: self.net(x * ~self.mask).chunk(2, dim=-1)),
        "the net sees the coordinates that change: it must see those that pass, x * mask",
    ),
    (
        "nothing passes",
        with_methods(pieces=Coupling.chunks),
        "all coordinates are scaled and shifted: where the mask is True, z = x",
    ),
    (
        "shift everywhere",
        with_methods(pieces=_shift_everywhere),
        "t is added where the mask is True too: x passes there as it is",
    ),
    (
        "scale everywhere",
        with_methods(pieces=_scale_everywhere),
        "the scale is applied where the mask is True too: x passes there as it is",
    ),
    (
        "passing coordinates lost",
        with_methods(forward=_lost),
        "where the mask is True z is 0: x passes there, add mask * x",
    ),
    (
        "x added",
        with_methods(forward=_x_added),
        "x is added to the coordinates that change: there z = x·exp(s) + t alone",
    ),
    (
        "no exp",
        with_map(lambda x, s, t: x * s + t, lambda z, s, t: (z - t) / s),
        "the scale is s itself: exp(s) is positive, so that the layer is invertible",
    ),
    (
        "exp twice",
        with_map(lambda x, s, t: x * s.exp().exp() + t, lambda z, s, t: (z - t) / s.exp().exp()),
        "exp is applied twice: the scale is exp(s)",
    ),
    (
        "one plus s",
        with_map(lambda x, s, t: x * (1 + s) + t, lambda z, s, t: (z - t) / (1 + s)),
        "the scale is 1 + s, which is near exp(s) only for small s",
    ),
    (
        "softplus",
        with_map(lambda x, s, t: x * softplus(s) + t, lambda z, s, t: (z - t) / softplus(s)),
        "the scale is a softplus of s: here it is exp(s), whose log is s itself",
    ),
    (
        "exp(-s)",
        with_map(lambda x, s, t: x * (-s).exp() + t, lambda z, s, t: (z - t) * s.exp()),
        "the scale is exp(−s) in forward: from data to latent it is exp(s)",
    ),
    (
        "bounded",
        with_methods(chunks=_bounded),
        "s goes through a tanh: useful in deep stacks, but here s is what the net returns",
    ),
    (
        "shift inside",
        with_map(lambda x, s, t: (x + t) * s.exp(), lambda z, s, t: z * (-s).exp() - t),
        "the shift is scaled too, (x + t)·exp(s): scale first, then add t",
    ),
    (
        "shift subtracted",
        with_map(lambda x, s, t: x * s.exp() - t, lambda z, s, t: (z + t) * (-s).exp()),
        "t is subtracted in forward: it is added there and subtracted in inverse",
    ),
    (
        "no shift",
        with_map(lambda x, s, t: x * s.exp(), lambda z, s, t: z * (-s).exp()),
        "the shift t is not used",
    ),
    (
        "only the shift",
        with_map(lambda x, s, t: x + t, lambda z, s, t: z - t),
        "the scale exp(s) is not used: this is the additive layer of NICE",
    ),
    (
        "the direction of sampling",
        with_map(lambda x, s, t: (x - t) * (-s).exp(), lambda z, s, t: z * s.exp() + t),
        "forward and inverse are swapped: forward goes from data x to latent z",
    ),
    (
        "inverse is forward",
        with_map(back=lambda z, s, t: z * s.exp() + t),
        "inverse scales and shifts like forward: undo it, x = (z − t)·exp(−s)",
    ),
    (
        "inverse adds the shift",
        with_map(back=lambda z, s, t: (z + t) * (-s).exp()),
        "inverse adds t where forward added it too: subtract it",
    ),
    (
        "inverse multiplies",
        with_map(back=lambda z, s, t: (z - t) * s.exp()),
        "inverse multiplies by exp(s), as forward did: divide, which is ·exp(−s)",
    ),
    (
        "inverse in the wrong order",
        with_map(back=lambda z, s, t: z * (-s).exp() - t),
        "inverse divides before it subtracts t: the last step of forward is undone first",
    ),
    (
        "inverse divides the shift alone",
        with_map(back=lambda z, s, t: z - t * (-s).exp()),
        "inverse divides only the shift: put z − t in brackets, all of it is divided",
    ),
    (
        "inverse sees everything",
        with_methods(inverse=_everything_back),
        "the net of inverse sees all of z: give it only those coordinates that passed, z * mask",
    ),
    (
        "inverse sees the other half",
        with_methods(inverse=_other_half_back),
        "the net of inverse sees the coordinates that changed: give it those that passed, z * mask",
    ),
    (
        "remembers",
        with_methods(forward=_keeps, inverse=_uses_what_was_kept),
        "inverse uses s and t that forward left behind: compute them from z",
    ),
    ("in place", with_methods(forward=_in_place), "`forward` writes into its input"),
    (
        "plain mask",
        with_methods(__init__=_plain_mask),
        "a tensor stays behind when the layer moves to another device: "
        'self.register_buffer("mask", mask) takes the mask along',
    ),
    (
        "net in a list",
        with_methods(__init__=_net_in_a_list, net=property(lambda self: self.nets[0])),
        "the net's parameters are not among the layer's: `self.net = net` adds them",
    ),
    ("no module", _NoModule, "must be a torch.nn.Module: an optimiser asks it for its net"),
    (
        "net under no_grad",
        with_methods(chunks=torch.no_grad()(Coupling.chunks)),
        "the points of `forward` have the right values but wrong gradients: a `.detach()` or "
        "`no_grad()` cuts the graph",
    ),
    (
        "ladj detached",
        with_ladj(lambda s, t, passes: s.detach().sum(-1)),
        "the ladj of `forward` have the right values but wrong gradients: a `.detach()` or "
        "`no_grad()` cuts the graph",
    ),
    (
        "inverse under no_grad",
        with_methods(inverse=torch.no_grad()(Coupling.inverse)),
        "the points of `inverse` have the right values but wrong gradients: a `.detach()` or "
        "`no_grad()` cuts the graph",
    ),
)
