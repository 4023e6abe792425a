"""Pieces that several of the wrong answers are made of."""


def loss_from(combine):
    """A wrong combination of the energies of data and samples."""
    return lambda model, x, negatives: combine(model.energy(x), model.energy(negatives.detach()))


right = loss_from(lambda down, up: down.mean() - up.mean())
