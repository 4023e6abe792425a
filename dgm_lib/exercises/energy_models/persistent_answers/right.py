"""Right ways to keep chains between calls."""

import torch
from torch import nn


class _DetachedAtTheEnd:
    def __init__(self, x0):
        self.state = torch.clone(x0.detach())

    def advance(self, step, k=1):
        x = self.state
        for _ in range(k):
            x = step(x)
        self.state = x.detach()
        return self.state.clone()


class _NoGrad:
    def __init__(self, x0):
        self.chains = torch.empty_like(x0).copy_(x0.data)

    @torch.no_grad()
    def advance(self, step, k=1):
        count = 0
        while count < k:
            self.chains = step(self.chains)
            count += 1
        return self.chains


class _Buffer(nn.Module):
    def __init__(self, x0):
        super().__init__()
        self.register_buffer("x", x0.detach() + 0)

    def advance(self, step, k=1):
        for _ in range(k):
            self.x.copy_(step(self.x.clone()).detach())
        return self.x.clone()


class _History:
    def __init__(self, x0):
        self.history = [x0.clone()]

    def advance(self, step, k: int = 1):
        self.history += self._new(step, k)
        return self.history[-1]

    def _new(self, step, k):
        x = self.history[-1].detach()
        for _ in range(k):
            x = step(x).detach()
            yield x


class _Recursive:
    def __init__(self, x0):
        self.x = x0.detach().clone()

    def advance(self, step, k=1):
        self.x = step(self.x).detach()
        return self.x if k == 1 else self.advance(step, k - 1)


ACCEPTS = (_DetachedAtTheEnd, _NoGrad, _Buffer, _History, _Recursive)
