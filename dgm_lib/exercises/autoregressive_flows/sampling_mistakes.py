"""Sampling from a MAF as learners get it wrong."""

import torch

from dgm_lib.exercises import Mistake
from dgm_lib.exercises.autoregressive_flows.networks import asked, autoregressive


UNSEEN = (
    "net never sees the coordinates that come before: from coordinate 0 upwards, call it again at "
    "the x found so far"
)
CUT_AT_NET = "no gradient flows through net: no .detach() or no_grad() at what goes in or comes out"


def version(found=lambda mu, s, z: mu + s.exp() * z, steps=range, start=torch.zeros_like):
    """A version of the loop with its own formula, coordinates or start."""

    def version(z, net):
        x = start(z)
        for i in steps(z.shape[-1]):
            mu, s = net(x)
            chosen = torch.arange(z.shape[-1], device=z.device) == i
            x = torch.where(chosen, found(mu, s, z), x)
        return x

    return version


sample = version()


def _at_once(at):
    """One call of net, at a point made from z."""

    def version(z, net):
        mu, s = net(at(z))
        return mu + s.exp() * z

    return version


def _density_at_z(z, net):
    mu, s = net(z)
    return (z - mu) * (-s).exp()


def _previous_parameters(z, net):
    return version(lambda mu, s, z: mu.roll(1, -1) + s.roll(1, -1).exp() * z)(z, net)


def _in_place(z, net):
    x = torch.zeros_like(z)
    for i in range(z.shape[-1]):
        mu, s = net(x)
        x[..., i] = mu[..., i] + s[..., i].exp() * z[..., i]
    return x


def _into_z(z, net):
    x = z
    for i in range(z.shape[-1]):
        mu, s = net(x)
        x[..., i] = mu[..., i] + s[..., i].exp() * x[..., i]
    return x


def _net_cut(z, net):
    return sample(z, lambda x: [part.detach() for part in net(x)])


def _x_cut(z, net):
    return sample(z, lambda x: net(x.detach()))


def _everything_cut(z, net):
    with torch.no_grad():
        return sample(z, net)


def _anew_for_each(z, net):
    def coordinate(i):
        return sample(z, net)[..., i]

    return torch.stack([coordinate(i) for i in range(z.shape[-1])], dim=-1)


def _point_by_point(z, net):
    points = [sample(point, net) for point in z.reshape(-1, z.shape[-1])]
    return torch.stack(points).reshape(z.shape)


def _prefix(z, net):
    x = z[..., :0]
    for i in range(z.shape[-1]):
        mu, s = net(x)
        x = torch.cat([x, mu[..., i : i + 1] + s[..., i : i + 1].exp() * z[..., i : i + 1]], -1)
    return x


def _over_the_batch(z, net):
    return version(steps=lambda d: range(len(z)))(z, net)


def _new_noise(z, net):
    return sample(torch.randn_like(z), net)


def _is_random(fn, generator):
    z = torch.linspace(-1, 2, 6).reshape(2, 3)
    net = autoregressive(3)
    return not torch.equal(fn(z, net), fn(z, net))


def _counts_points(fn, generator):
    return len(asked(fn, 2, 5)) == 2 and len(asked(fn, 3, 5)) == 3


def _gives_a_part(fn, generator):
    return any(shape[-1] < 5 for shape in asked(fn, 2, 5))


def _breaks_autograd(fn, generator):
    """Right values, of which autograd says that something was written over."""
    z, net = torch.linspace(-1, 2, 6).reshape(2, 3).requires_grad_(), autoregressive(3)
    x = fn(z, net)
    try:
        torch.autograd.grad(x.sum(), z)
    except RuntimeError as error:
        return torch.allclose(x, sample(z, net)) and "inplace operation" in str(error)
    return False


MISTAKES = (
    Mistake(
        "net at z",
        _at_once(lambda z: z),
        "net is called at z, this is how an IAF samples: in a MAF mu and sigma depend on the x "
        "already found, so call net at x after each new coordinate",
    ),
    Mistake(
        "net at nothing",
        _at_once(torch.zeros_like),
        UNSEEN,
    ),
    Mistake(
        "density",
        version(lambda mu, s, z: (z - mu) * (-s).exp()),
        "(· − mu)·exp(−log_sigma) leads from x to z: sampling needs its inverse, x from z",
    ),
    Mistake(
        "density at z",
        _density_at_z,
        "this is the pass from data to latent, with z put in for x: solve z = (x − mu)·exp("
        "−log_sigma) for x, one coordinate after the other",
    ),
    Mistake(
        "no exp",
        version(lambda mu, s, z: mu + s * z),
        "net returns log_sigma: take exp of it before you multiply",
    ),
    Mistake(
        "variance",
        version(lambda mu, s, z: mu + (2 * s).exp() * z),
        "sigma comes in twice: exp(log_sigma)·z, not sigma²",
    ),
    Mistake(
        "half",
        version(lambda mu, s, z: mu + (0.5 * s).exp() * z),
        "log_sigma is the log of sigma, not of a variance: no half in the exponent",
    ),
    Mistake(
        "exp twice",
        version(lambda mu, s, z: mu + s.exp().exp() * z),
        "you take exp twice: exp(log_sigma) is sigma already",
    ),
    Mistake(
        "softplus",
        version(lambda mu, s, z: mu + torch.nn.functional.softplus(s) * z),
        "softplus is not the inverse of log: sigma = exp(log_sigma)",
    ),
    Mistake(
        "divided",
        version(lambda mu, s, z: mu + (-s).exp() * z),
        "you divide by sigma; from z to x you multiply: mu + exp(log_sigma)·z",
    ),
    Mistake(
        "minus mu",
        version(lambda mu, s, z: s.exp() * z - mu),
        "the sign of mu: from z to x it is added",
    ),
    Mistake(
        "mu scaled",
        version(lambda mu, s, z: (z + mu) * s.exp()),
        "mu is added before scaling: scale z first, then add mu",
    ),
    Mistake("no mu", version(lambda mu, s, z: s.exp() * z), "mu is missing: x = mu + sigma·z"),
    Mistake("no sigma", version(lambda mu, s, z: mu + z), "sigma is missing: x = mu + sigma·z"),
    Mistake("no noise", version(lambda mu, s, z: mu), "z is missing: this is the mean alone"),
    Mistake(
        "last left out",
        version(steps=lambda d: range(d - 1)),
        "the last coordinate is never filled: the loop ends one too early",
    ),
    Mistake(
        "last left as z",
        version(steps=lambda d: range(d - 1), start=torch.clone),
        "the last coordinate is still z: the loop ends one too early",
    ),
    Mistake(
        "first left out",
        version(steps=lambda d: range(1, d)),
        "the first coordinate is never filled: it has a mu and a sigma too",
    ),
    Mistake(
        "first left as z",
        version(steps=lambda d: range(1, d), start=torch.clone),
        "your first coordinate is z itself: it has a mu and a sigma too, though constant ones",
    ),
    Mistake(
        "backwards",
        version(steps=lambda d: reversed(range(d))),
        UNSEEN,
    ),
    Mistake(
        "previous parameters",
        _previous_parameters,
        "coordinate i takes the mu and sigma of coordinate i − 1: net has shifted them already,"
        " use mu[..., i]",
    ),
    Mistake(
        "over the batch",
        _over_the_batch,
        "your loop counts points instead of coordinates: range(z.shape[-1])",
        _counts_points,
    ),
    Mistake(
        "prefix",
        _prefix,
        "net is called with some coordinates only: it takes all d, fill those still unknown with "
        "zeros",
        _gives_a_part,
    ),
    Mistake("new noise", _new_noise, "you draw new noise: z is the noise", _is_random),
    Mistake(
        "in place",
        _in_place,
        "x[..., i] = … overwrites what net has seen and autograd still needs: write into "
        "x.clone(), or build a new x with torch.cat or torch.where",
        _breaks_autograd,
    ),
    Mistake("into z", _into_z, "you write x over z: start from a tensor of your own"),
    Mistake(
        "net cut",
        _net_cut,
        CUT_AT_NET,
    ),
    Mistake("x cut", _x_cut, CUT_AT_NET),
    Mistake("all cut", _everything_cut, "no_grad() or .detach() cuts x off from z and from net"),
    Mistake(
        "anew for each",
        _anew_for_each,
        "net is called more than d times: one call per coordinate is enough",
    ),
    Mistake(
        "point by point",
        _point_by_point,
        "net is called for parts of the batch: one call takes all of (*batch, d)",
    ),
)
