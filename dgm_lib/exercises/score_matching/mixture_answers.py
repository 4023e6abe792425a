"""Right scores of a mixture, written differently, and the pieces of wrong ones."""

import torch


def log_prob(x, weights, means, sigma):
    """log p(x) up to a constant, (*batch,)."""
    distance = (x.unsqueeze(-2) - means).square().sum(-1)
    return (weights.log() - x.shape[-1] * sigma.log() - distance / (2 * sigma**2)).logsumexp(-1)


def _autograd(x, weights, means, sigma):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(log_prob(x, weights, means, sigma).sum(), x)[0]


def _laws(x, weights, means, sigma):
    scale = sigma[:, None].expand_as(means)
    laws = torch.distributions.Independent(torch.distributions.Normal(means, scale), 1)
    joint = laws.log_prob(x[..., None, :]) + weights.log()
    posterior = (joint - joint.logsumexp(-1, keepdim=True)).exp()
    return torch.einsum("...k,...kd->...d", posterior, (means - x[..., None, :]) / scale**2)


def _two_sums(x, weights, means, sigma):
    log_share = torch.stack(
        [
            w.log() - x.size(-1) * s.log() - ((x - m) / s).square().sum(-1) / 2
            for w, m, s in zip(weights, means, sigma)
        ],
        dim=-1,
    )
    pull = torch.softmax(log_share, -1) / sigma**2
    return pull @ means - pull.sum(-1, keepdim=True) * x


def _largest_out(x, weights, means, sigma):
    towards = means - x[..., None, :]
    log_share = weights.log() - 0.5 * towards.pow(2).sum(-1) / sigma**2
    log_share = log_share - towards.shape[-1] * torch.log(sigma)
    share = (log_share - log_share.amax(-1, keepdim=True)).exp()
    share = share / share.sum(-1, keepdim=True)
    return (share[..., None] * towards / sigma[:, None].square()).sum(-2)


ANSWERS = (_autograd, _laws, _two_sums, _largest_out)


def parts(x, weights, means, sigma):
    """The ways to the means (*batch, k, d), and log w_k N(x; mu_k, sigma_k²) up to a constant."""
    towards = means - x[..., None, :]
    distance = towards.square().sum(-1) / sigma**2
    return towards, weights.log() - x.shape[-1] * sigma.log() - distance / 2


def pulled(pull):
    """A wrong pull of the components, of their shares (*batch, k), towards and sigma (k, 1)."""

    def wrong(x, weights, means, sigma):
        towards, log_share = parts(x, weights, means, sigma)
        share = log_share.softmax(-1)[..., None]
        return pull(share, towards, sigma[:, None])

    return wrong


def shared(share):
    """Wrong shares (*batch, k), of the right logs, weights, squared distances, sigma (k,) and d."""

    def wrong(x, weights, means, sigma):
        towards = means - x[..., None, :]
        squared, d = towards.square().sum(-1), x.shape[-1]
        shares = share(parts(x, weights, means, sigma)[1], weights, squared, sigma, d)
        return (shares[..., None] * towards / sigma[:, None] ** 2).sum(-2)

    return wrong
