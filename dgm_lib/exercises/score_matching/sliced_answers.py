"""Right sliced losses, written differently, and the pieces of wrong ones."""

import torch


def _grad_outputs(score, x, probes):
    x = x.clone().requires_grad_(True)
    s = score(x)
    slices = [
        (torch.autograd.grad(s, x, v, create_graph=True)[0] * v).sum(-1).mean() for v in probes
    ]
    return 0.5 * s.pow(2).sum(-1).mean() + torch.stack(slices).mean()


def _forwards(score, x, probes):
    def slope(v):
        return (torch.func.jvp(score, (x,), (v,))[1] * v).sum()

    return score(x).square().sum() / 2 / len(x) + sum(map(slope, probes)) / probes[..., 0].numel()


def _jacobian(score, x, probes):
    jacobians = torch.func.vmap(torch.func.jacrev(score))(x)
    slices = torch.einsum("kni,nij,knj->kn", probes, jacobians, probes)
    return (score(x).norm(dim=1) ** 2 / 2 + slices.mean(0)).mean()


def _all_at_once(score, x, probes):
    at = x.detach().expand_as(probes).clone().requires_grad_()
    s = score(at)
    (pulled,) = torch.autograd.grad((s * probes).sum(), at, create_graph=True)
    return ((pulled * probes).sum(-1) + 0.5 * s.square().sum(-1)).mean()


ANSWERS = (_grad_outputs, _forwards, _jacobian, _all_at_once)


def parts(score, x, probes):
    """s (n, d), and vᵀ∇s (k, n, d) for all probes."""
    x = x.detach().requires_grad_()
    s = score(x)
    pulled = [torch.autograd.grad((s * v).sum(), x, create_graph=True)[0] for v in probes]
    return s, torch.stack(pulled)


def loss_of(loss):
    """A wrong loss of s, vᵀ∇s and the probes."""
    return lambda score, x, probes: loss(*parts(score, x, probes), probes)


def norm(s):
    """½‖s‖² of each point, (n, d) -> (n,)."""
    return s.square().sum(1) / 2


def sliced(pulled, v):
    """The slices vᵀ∇s v, their mean over the probes, (k, n, d) -> (n,)."""
    return (pulled * v).sum(-1).mean(0)


def freed(score, x, probes):
    """Wrong: the first slice frees the graph."""
    x = x.detach().requires_grad_()
    s = score(x)
    pulled = [torch.autograd.grad((s * v).sum(), x)[0] for v in probes]
    return (norm(s) + sliced(torch.stack(pulled), probes)).mean()


def without_v(score, x, probes):
    """Wrong: the gradient of s.sum() in the place of vᵀ∇s."""
    x = x.detach().requires_grad_()
    s = score(x)
    (pulled,) = torch.autograd.grad(s.sum(), x, create_graph=True)
    return (norm(s) + sliced(pulled, probes)).mean()
