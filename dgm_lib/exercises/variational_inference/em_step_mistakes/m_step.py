"""Wrong new weights, means and sigma, from right responsibilities."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.variational_inference.em_step_mistakes.pieces import (
    distances,
    maximise,
    responsibilities,
    right,
)


def _weights_from(combine):
    """Wrong new weights, made of the responsibilities and the old weights."""

    def wrong(x, weights, means, sigma):
        r = responsibilities(x, weights, means, sigma)
        _, new_means, new_sigma = maximise(x, r)
        return combine(r, weights), new_means, new_sigma

    return wrong


def _means_from(combine):
    """Wrong new means, made of x, the responsibilities and the old means; sigma about them."""

    def wrong(x, weights, means, sigma):
        r = responsibilities(x, weights, means, sigma)
        new_means = combine(x, r, means)
        _, _, new_sigma = maximise(x, r, distances(x, new_means))
        return r.mean(0), new_means, new_sigma

    return wrong


def _sigma_from(combine):
    """A wrong new sigma, made of the responsibilities, x − new means, and d."""

    def wrong(x, weights, means, sigma):
        r = responsibilities(x, weights, means, sigma)
        new_weights, new_means, _ = maximise(x, r)
        return new_weights, new_means, combine(r, x[:, None] - new_means, x.shape[-1])

    return wrong


def _variance(r, difference, d):
    return (r * (difference**2).sum(-1)).sum(0) / (d * r.sum(0))


def _columns_divided(x, *parameters):
    r = responsibilities(x, *parameters)
    means = r.T @ x / r.sum(0)
    return r.mean(0), means, maximise(x, r, distances(x, means))[2]


def _is_per_point(fn):
    x = torch.tensor([[0.1, 0.9], [1.4, -0.3], [0.7, 2.2], [-1.0, 0.4], [0.3, 0.3]])
    weights, sigma = torch.tensor([0.4, 0.6]), torch.tensor([0.8, 1.1])
    return fn(x, weights, x[:2].clone(), sigma)[0].shape == (5,)


MISTAKES = (
    Mistake(
        "counts for weights",
        _weights_from(lambda r, w: r.sum(0)),
        "the new weights are not normalised: divide the counts by n, so that they sum to one",
    ),
    Mistake(
        "counts over the components",
        _weights_from(lambda r, w: r.sum(0) / r.shape[1]),
        "the counts are divided by the number of components: divide by the number of points",
    ),
    Mistake(
        "old weights",
        _weights_from(lambda r, w: w.clone()),
        "the weights are not updated: they become the mean responsibilities",
    ),
    Mistake(
        "log weights",
        _weights_from(lambda r, w: r.mean(0).log()),
        "these are the logs of the new weights: return the weights",
    ),
    Mistake(
        "weights times prior",
        _weights_from(lambda r, w: w * r.mean(0)),
        "the new weights are multiplied by the old ones: the responsibilities hold them already",
    ),
    Mistake(
        "softmaxed weights",
        _weights_from(lambda r, w: r.mean(0).softmax(0)),
        "the mean responsibilities sum to one already: no softmax",
    ),
    Mistake(
        "means over n",
        _means_from(lambda x, r, means: r.T @ x / len(x)),
        "the new means divide by n: divide by the count of their component, Σ_n r_nk",
    ),
    Mistake(
        "means not divided",
        _means_from(lambda x, r, means: r.T @ x),
        "the new means are sums: divide by Σ_n r_nk",
    ),
    Mistake(
        "means divided in the wrong place",
        lambda *a: (*right(*a)[:1], right(*a)[1] * right(*a)[0][:, None], right(*a)[2]),
        "the new means divide by n: divide by the count of their component, Σ_n r_nk",
    ),
    Mistake(
        "means not divided, sigma right",
        lambda *a: (
            right(*a)[0],
            right(*a)[1] * (len(a[0]) * right(*a)[0][:, None]),
            right(*a)[2],
        ),
        "the new means are sums: divide by Σ_n r_nk",
    ),
    Mistake(
        "old means",
        _means_from(lambda x, r, means: means.clone()),
        "the means are not updated: they become weighted means of the data",
    ),
    Mistake(
        "all means alike",
        _means_from(lambda x, r, means: x.mean(0).expand_as(means).clone()),
        "all means become the mean of the data: weight the points by the responsibilities",
    ),
    Mistake(
        "variance",
        _sigma_from(_variance),
        "you return the variance: sigma is its square root",
    ),
    Mistake(
        "no d",
        _sigma_from(lambda r, diff, d: (d * _variance(r, diff, d)).sqrt()),
        "d is missing in the variance: ‖x − mean‖² adds up d coordinates, each of variance sigma²",
    ),
    Mistake(
        "variance without d",
        _sigma_from(lambda r, diff, d: d * _variance(r, diff, d)),
        "d is missing in the variance, and its square root is too",
    ),
    Mistake(
        "d outside the root",
        _sigma_from(lambda r, diff, d: (d * _variance(r, diff, d)).sqrt() / d),
        "d is divided by outside the square root: it belongs to the variance",
    ),
    Mistake(
        "variance over n",
        _sigma_from(lambda r, diff, d: (_variance(r, diff, d) * r.mean(0)).sqrt()),
        "the new variance divides by n: divide by the count of its component, Σ_n r_nk",
    ),
    Mistake(
        "variance not divided",
        _sigma_from(lambda r, diff, d: (_variance(r, diff, d) * r.sum(0)).sqrt()),
        "the new variance is a sum: divide by Σ_n r_nk",
    ),
    Mistake(
        "neither n nor d",
        _sigma_from(lambda r, diff, d: (_variance(r, diff, d) * r.sum(0) * d).sqrt()),
        "the new variance is a sum: divide by d · Σ_n r_nk",
    ),
    Mistake(
        "distances not squared",
        _sigma_from(lambda r, diff, d: (r * diff.norm(dim=-1)).sum(0) / r.sum(0)),
        "this is a mean distance: sigma is the root of the mean squared distance per coordinate",
    ),
    Mistake(
        "responsibilities squared",
        _sigma_from(
            lambda r, diff, d: (((r[..., None] * diff) ** 2).sum((0, -1)) / (d * r.sum(0))).sqrt()
        ),
        "the responsibilities are squared with the distance: they stand outside the square",
    ),
    Mistake(
        "one sigma",
        _sigma_from(
            lambda r, diff, d: (_variance(r, diff, d) * r.mean(0)).sum().sqrt().expand(r.shape[1])
        ),
        "all components get the same sigma: each has its own",
    ),
    Mistake(
        "sigma per coordinate",
        _sigma_from(
            lambda r, diff, d: ((r[..., None] * diff**2).sum(0) / r.sum(0)[:, None]).sqrt()
        ),
        "this is a sigma for each coordinate: the components are isotropic, average the variance "
        "over coordinates",
    ),
    Mistake(
        "log sigma",
        _sigma_from(lambda r, diff, d: _variance(r, diff, d).sqrt().log()),
        "this is log sigma: return sigma itself",
    ),
    Mistake(
        "unbiased",
        _sigma_from(
            lambda r, diff, d: (
                _variance(r, diff, d) * r.sum(0) / (r.sum(0) - 1).clamp(min=0.1)
            ).sqrt()
        ),
        "the count is lowered by one, as for an unbiased variance: maximum likelihood divides by "
        "Σ_n r_nk",
    ),
    Mistake(
        "small number added",
        _sigma_from(lambda r, diff, d: (_variance(r, diff, d) + 1e-6).sqrt()),
        "a small number is added to the variance: that is a regulariser, not the EM step",
    ),
    Mistake(
        "precision",
        _sigma_from(lambda r, diff, d: _variance(r, diff, d).rsqrt()),
        "this is 1/sigma: return sigma",
    ),
    Mistake(
        "weights over the wrong axis",
        _weights_from(lambda r, w: r.mean(1)),
        "the responsibilities are averaged over the components: average over the points, dim=0",
        lambda fn, generator: _is_per_point(fn),
    ),
    Mistake(
        "softmax of the counts",
        _weights_from(lambda r, w: r.sum(0).softmax(0)),
        "the counts go through a softmax: divide them by n",
    ),
    Mistake(
        "only the means stay",
        lambda *a: (right(*a)[0], a[2].clone(), right(*a)[2]),
        "the means are not updated: they become weighted means of the data",
    ),
    Mistake(
        "counts along the coordinates",
        _columns_divided,
        "the counts divide the columns of the means, not the rows: counts[:, None]",
    ),
    Mistake(
        "all points alike in the variance",
        _sigma_from(lambda r, diff, d: (diff**2).mean((0, 2)).sqrt()),
        "the variance weighs all points alike: weight them by the responsibilities",
    ),
)
