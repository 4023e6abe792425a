"""Right implicit losses, written differently."""

import torch


def _jacobian(score, x):
    full = torch.autograd.functional.jacobian(score, x, create_graph=True)
    trace = torch.einsum("njnj->n", full)
    return (0.5 * score(x).pow(2).sum(-1) + trace).mean()


def _functional(score, x):
    jacobians = torch.func.vmap(torch.func.jacrev(score))(x)
    trace = jacobians.diagonal(dim1=-2, dim2=-1).sum(-1)
    return 0.5 * score(x).square().sum(dim=-1).mean() + trace.mean()


def _axes(score, x):
    x = x.clone().requires_grad_(True)
    s, total = score(x), 0
    for axis in torch.eye(x.shape[-1], dtype=x.dtype, device=x.device):
        pulled = torch.autograd.grad(s, x, axis.expand_as(s), create_graph=True)[0]
        total = total + (pulled * axis).sum()
    return (s.square().sum() / 2 + total) / len(x)


def _point_by_point(score, x):
    costs = []
    for point in x:
        at = point.detach().requires_grad_()
        s = score(at)
        slopes = [torch.autograd.grad(part, at, create_graph=True)[0] for part in s]
        costs.append(0.5 * s @ s + torch.stack(slopes).trace())
    return torch.stack(costs).mean()


ANSWERS = (_jacobian, _functional, _axes, _point_by_point)
