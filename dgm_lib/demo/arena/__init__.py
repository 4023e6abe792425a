"""The arena explorer: two families learn the same law from the same data, side by side."""

from dgm_lib.demo.arena.explorer import arena_explorer

__all__ = ["arena_explorer"]
