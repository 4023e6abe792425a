"""Buffers that say what a module is, and that no state may change."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn


def fix(module: nn.Module, name: str, value: Tensor) -> None:
    """Make `value` a buffer, and have `load_state_dict` refuse a state that has another one.

    Weights of another order, or mask, would fit by their shapes, and be a false law. A module made
    on the device "meta" may have no values to compare: it takes those of the state.
    """
    module.register_buffer(name, value)
    known = None if value.is_meta else value.tolist()
    module.register_load_state_dict_pre_hook(partial(_compare, name, known))


def _compare(
    name: str, known: list | None, module: nn.Module, state: dict[str, Tensor], prefix: str, *rest
) -> None:
    loaded, errors = state.get(prefix + name), rest[-1]
    if None not in (known, loaded) and not loaded.is_meta and loaded.tolist() != known:
        errors.append(
            f"{prefix}{name} must be {known}, with which this {type(module).__name__} was made, "
            f"got {loaded.tolist()} in the state"
        )
