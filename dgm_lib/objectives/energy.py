"""The objective of models that have an energy: data down, samples of the model up."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from dgm_lib.objectives.inputs import able, at_least_0, per_point, points


def contrastive(
    model,
    x: Tensor,
    negatives: Tensor | Callable[[object, Tensor], Tensor],
    regulariser: float = 0.0,
) -> Tensor:
    """mean E(x) - mean E(x⁻) for an energy model, data x `(*batch, d)` and samples x⁻ of it.

    Its value says nothing: it is its gradient, E_data[∇E] - E_model[∇E], that is the one of the
    negative log-likelihood, as far as x⁻ are draws of the model. `negatives` are they, or a
    function (model, x) -> x⁻ that draws them: chains from the data (contrastive divergence, CD-k)
    or chains that are kept (persistent CD). No gradient flows through x⁻. `regulariser` times
    mean E(x)² + mean E(x⁻)² keeps the energies near 0 (Du & Mordatch, 2019).
    Hinton (2002); Tieleman (2008).
    """
    model, x = able("model", model, "energy"), points("x", x)
    regulariser = at_least_0("regulariser", regulariser)
    x_model = negatives(model, x) if callable(negatives) else negatives
    is_real = isinstance(x_model, Tensor) and not x_model.is_complex()
    if not is_real or not x_model.ndim or x_model.shape[-1:] != x.shape[-1:]:
        got = tuple(x_model.shape) if isinstance(x_model, Tensor) else repr(x_model)
        raise ValueError(f"negatives must have shape (*batch, {x.shape[-1]}), as x, got {got}")
    x_model = x_model.detach().to(x)  # a judge of the model may draw in another precision
    if x_model.shape[:-1].numel() == 0 or not x_model.isfinite().all():
        raise ValueError("negatives must be at least one point, and finite everywhere")
    up = per_point(model.energy(x_model), x_model, "model.energy")
    down = per_point(model.energy(x), x, "model.energy")
    loss = down.mean() - up.mean()
    if regulariser:
        loss = loss + regulariser * (down.square().mean() + up.square().mean())
    return loss
