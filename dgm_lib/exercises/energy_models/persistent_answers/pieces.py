"""Pieces that several of the wrong answers are made of."""


class Chains:
    """A right version in pieces, any of which can be replaced by a wrong one."""

    def __init__(self, x0):
        self.x = x0.detach().clone()

    def advance(self, step, k=1):
        """Where k more steps lead."""
        for _ in range(k):
            self.x = step(self.x).detach()
        return self.x


def with_methods(advance=Chains.advance, init=Chains.__init__):
    """A version with some methods replaced."""
    return type("Persistent", (Chains,), {"__init__": init, "advance": advance})


def run(x, step, k):
    """Where k steps lead from x."""
    for _ in range(k):
        x = step(x).detach()
    return x
