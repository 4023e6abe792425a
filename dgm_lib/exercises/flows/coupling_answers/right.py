"""Right ways to write an affine coupling layer differently."""

import torch
from torch import nn


class _Where(nn.Module):
    def __init__(self, net, mask):
        super().__init__()
        self.network = net
        self.register_buffer("mask", mask)

    def _conditioner(self, x):
        s, t = torch.chunk(self.network(torch.where(self.mask, x, 0.0)), 2, -1)
        return torch.where(self.mask, torch.zeros_like(s), s), t

    def forward(self, x):
        s, t = self._conditioner(x)
        return torch.where(self.mask, x, torch.exp(s) * x + t), s.sum(-1)

    def inverse(self, z):
        s, t = self._conditioner(z)
        return torch.where(self.mask, z, (z - t) / torch.exp(s)), s.sum(-1).neg()


class _Floats(nn.Module):
    """As in the paper: b ⊙ x + (1 − b) ⊙ (x ⊙ exp(s) + t), the mask in the input's own dtype."""

    def __init__(self, net, mask):
        super().__init__()
        self.net = net
        self.mask = nn.Parameter(mask.float(), requires_grad=False)

    def forward(self, x):
        b = self.mask.to(x.dtype)
        d = x.shape[-1]
        out = self.net(b * x)
        s, t = out[..., :d], out[..., d:]
        return b * x + (1 - b) * (x * torch.exp(s) + t), torch.sum((1 - b) * s, dim=-1)

    def inverse(self, z):
        b = self.mask.to(z.dtype)
        passed = b * z
        s, t = self.net(passed).split(z.shape[-1], dim=-1)
        x = passed + (1 - b) * (z - t) * torch.exp(-s)
        return x, torch.sum((b - 1) * s, dim=-1)


class _Split(nn.Module):
    """The coordinates taken apart and put together again."""

    def __init__(self, net, mask):
        super().__init__()
        self.net = net
        self.register_buffer("passes", mask.nonzero().flatten())
        self.register_buffer("changes", (~mask).nonzero().flatten())

    def _scale_and_shift(self, kept, like):
        seen = torch.zeros_like(like).index_copy(-1, self.passes, kept)
        out = self.net(seen)
        return out[..., self.changes], out[..., like.shape[-1] + self.changes]

    def forward(self, x):
        s, t = self._scale_and_shift(x[..., self.passes], x)
        return x.index_copy(-1, self.changes, x[..., self.changes] * s.exp() + t), s.sum(-1)

    def inverse(self, z):
        s, t = self._scale_and_shift(z[..., self.passes], z)
        return z.index_copy(-1, self.changes, (z[..., self.changes] - t) / s.exp()), -s.sum(-1)


class _ByDeterminant(nn.Module):
    """A clone that is written into, and a mask that follows its input."""

    def __init__(self, net, mask):
        super().__init__()
        self.net, self.mask = net, mask

    def forward(self, x):
        m = self.mask.to(x.device)
        s, t = self.net(x.masked_fill(~m, 0.0)).unflatten(-1, (2, -1)).unbind(-2)
        z = x.clone()
        z[..., ~m] = x[..., ~m] * s[..., ~m].exp() + t[..., ~m]
        return [z, s[..., ~m].exp().prod(-1).log()]

    def inverse(self, z):
        m = self.mask.to(z.device)
        s, t = self.net(z.masked_fill(~m, 0.0)).unflatten(-1, (2, -1)).unbind(-2)
        scale = torch.where(m, torch.ones_like(s), s.exp())
        return (z - t * ~m) / scale, -scale.log().sum(-1)


ACCEPTS = (_Where, _Floats, _Split, _ByDeterminant)
