"""Wrong ways of looking ahead, as functions."""

import torch


def slopes_of(loss, phi, create_graph=True):
    """Gradients of a loss in the parameters, by name."""
    found = torch.autograd.grad(loss(phi), tuple(phi.values()), create_graph=create_graph)
    return dict(zip(phi, found))


def moved(phi, slopes, rate):
    """The parameters after a step."""
    return {name: phi[name] - rate * slopes[name] for name in phi}


def unrolled(loss_d, loss_g, phi, steps, rate):
    """The right answer."""
    for _ in range(steps):
        phi = moved(phi, slopes_of(loss_d, phi), rate)
    return loss_g(phi)


def with_arguments(change):
    """The right thing with other arguments."""
    return lambda *arguments: unrolled(*change(*arguments))


def at_the_end(result):
    """Another result, of the losses and all discriminators on the way."""

    def wrong(loss_d, loss_g, phi, steps, rate):
        path = [phi]
        for _ in range(steps):
            path.append(moved(path[-1], slopes_of(loss_d, path[-1]), rate))
        return result(loss_d, loss_g, path)

    return wrong


def no_graph(loss_d, loss_g, phi, steps, rate):
    """The gradients are constants for the generator."""
    for _ in range(steps):
        phi = moved(phi, slopes_of(loss_d, phi, create_graph=False), rate)
    return loss_g(phi)


def last_step_only(loss_d, loss_g, phi, steps, rate):
    """The graph is cut before each step."""
    for _ in range(steps):
        phi = {name: p.detach().requires_grad_() for name, p in phi.items()}
        phi = moved(phi, slopes_of(loss_d, phi), rate)
    return loss_g(phi)


def detached_at_the_end(loss_d, loss_g, phi, steps, rate):
    """A bare value."""
    return at_the_end(lambda _, loss_g, path: loss_g(path[-1]).detach())(
        loss_d, loss_g, phi, steps, rate
    )


def first_slope(loss_d, loss_g, phi, steps, rate):
    """The same gradient in every step."""
    slopes = slopes_of(loss_d, phi)
    for _ in range(steps):
        phi = moved(phi, slopes, rate)
    return loss_g(phi)


def from_the_start(loss_d, loss_g, phi, steps, rate):
    """Every step leads away from the first parameters."""
    later = phi
    for _ in range(steps):
        later = moved(phi, slopes_of(loss_d, later), rate)
    return loss_g(later)


def first_parameter(loss_d, loss_g, phi, steps, rate):
    """The other parameters stay."""
    for _ in range(steps):
        first = next(iter(phi))
        phi = {**phi, first: phi[first] - rate * slopes_of(loss_d, phi)[first]}
    return loss_g(phi)


def one_after_the_other(loss_d, loss_g, phi, steps, rate):
    """Each parameter moves with the last one's new value."""
    for _ in range(steps):
        for name in phi:
            phi = {**phi, name: phi[name] - rate * slopes_of(loss_d, phi)[name]}
    return loss_g(phi)


def both_players(loss_d, loss_g, phi, steps, rate):
    """Steps down the sum of the losses."""

    def both(phi):
        return loss_d(phi) + loss_g(phi)

    return unrolled(both, loss_g, phi, steps, rate)


def normalised(loss_d, loss_g, phi, steps, rate):
    """Steps of fixed length."""
    for _ in range(steps):
        slopes = slopes_of(loss_d, phi)
        phi = moved(phi, {name: slope / slope.norm() for name, slope in slopes.items()}, rate)
    return loss_g(phi)


def signs(loss_d, loss_g, phi, steps, rate):
    """Steps of fixed size in each coordinate."""
    for _ in range(steps):
        slopes = slopes_of(loss_d, phi)
        phi = moved(phi, {name: slope.sign() for name, slope in slopes.items()}, rate)
    return loss_g(phi)


def shrinking(loss_d, loss_g, phi, steps, rate):
    """A rate that goes down."""
    for step in range(steps):
        phi = moved(phi, slopes_of(loss_d, phi), rate / (step + 1))
    return loss_g(phi)


def momentum(loss_d, loss_g, phi, steps, rate):
    """Steps that remember."""
    speed = {name: torch.zeros_like(p) for name, p in phi.items()}
    for _ in range(steps):
        slopes = slopes_of(loss_d, phi)
        speed = {name: 0.9 * speed[name] + slopes[name] for name in phi}
        phi = moved(phi, speed, rate)
    return loss_g(phi)


def in_the_dict(loss_d, loss_g, phi, steps, rate):
    """New tensors, in the dict of somebody else."""
    for _ in range(steps):
        phi.update(moved(phi, slopes_of(loss_d, phi), rate))
    return loss_g(phi)


def in_the_tensors(loss_d, loss_g, phi, steps, rate):
    """New values, in the tensors of somebody else."""
    for _ in range(steps):
        slopes = slopes_of(loss_d, phi)
        for name, parameter in phi.items():
            parameter.data = parameter.data - rate * slopes[name].detach()
    return loss_g(phi)


def backward(loss_d, loss_g, phi, steps, rate):
    """Gradients by way of .grad."""
    for _ in range(steps):
        for parameter in phi.values():
            parameter.retain_grad()
            parameter.grad = None
        loss_d(phi).backward(create_graph=True)
        phi = {name: p - rate * p.grad for name, p in phi.items()}
    return loss_g(phi)
