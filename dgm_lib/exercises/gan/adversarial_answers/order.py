"""Steps in the wrong order, with the wrong optimiser, or too many or too few."""

from dgm_lib.exercises.gan.adversarial_answers.pieces import Wrong, descend, loss_d, loss_g


def _generator_first(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_g, loss_g(discriminator, generator(z)))
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))


def _simultaneous(generator, discriminator, x, z, optimiser_g, optimiser_d):
    old = generator(z).detach()
    descend(optimiser_g, loss_g(discriminator, generator(z)))
    descend(optimiser_d, loss_d(discriminator, x, old))


def _both_losses_first(generator, discriminator, x, z, optimiser_g, optimiser_d):
    """G's backward() needs the D of before, which its step has overwritten."""
    first = loss_d(discriminator, x, generator(z).detach())
    second = loss_g(discriminator, generator(z))
    descend(optimiser_d, first)
    descend(optimiser_g, second)


def _d_again(generator, discriminator, x, z, optimiser_g, optimiser_d):
    """D also takes a step along G's loss."""
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    optimiser_d.zero_grad()
    descend(optimiser_g, loss_g(discriminator, generator(z)))
    optimiser_d.step()


def _d_again_uncleared(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    descend(optimiser_g, loss_g(discriminator, generator(z)))
    optimiser_d.step()


def _d_twice(generator, discriminator, x, z, optimiser_g, optimiser_d):
    for _ in range(2):
        descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _g_twice(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    for _ in range(2):
        descend(optimiser_g, loss_g(discriminator, generator(z)))


def _g_only(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _swapped(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_g, loss_d(discriminator, x, generator(z)))
    descend(optimiser_d, loss_g(discriminator, generator(z)))


def _d_moves_g_too(generator, discriminator, x, z, optimiser_g, optimiser_d):
    """The zero-sum reading: one loss, one backward(), and G steps down it like D."""
    optimiser_g.zero_grad()
    descend(optimiser_d, loss_d(discriminator, x, generator(z)))
    optimiser_g.step()


WRONG = (
    Wrong(
        "generator first",
        _generator_first,
        "G moves first: D's half comes first, so that G meets the new D",
    ),
    Wrong(
        "simultaneous",
        _simultaneous,
        "both move at once, G against the old D: compute G's loss after optimiser_d.step()",
    ),
    Wrong(
        "both losses first",
        _both_losses_first,
        "G's loss is computed before D's step, which then changes D under it: compute it after "
        "optimiser_d.step(), against the new D",
    ),
    Wrong(
        "D again",
        _d_again,
        "D steps along G's loss: in G's half only optimiser_g may step",
    ),
    Wrong(
        "D again, uncleared",
        _d_again_uncleared,
        "optimiser_d.step() is called a second time, after G's half: only optimiser_g may step "
        "there",
    ),
    Wrong("D twice", _d_twice, "D takes two steps: one is asked for"),
    Wrong("G twice", _g_twice, "G takes two steps: one is asked for"),
    Wrong("G only", _g_only, "D's half is missing: the discriminator does not move"),
    Wrong(
        "swapped",
        _swapped,
        "the optimisers are swapped: optimiser_d follows D's loss, optimiser_g that of G",
    ),
    Wrong(
        "one loss for both",
        _d_moves_g_too,
        "both networks step down D's loss: G has a loss of its own, −mean log D(G(z))",
    ),
)
