"""Steps whose gradients go where they should not, or stay."""

from dgm_lib.exercises.gan.adversarial_answers.pieces import Wrong, descend, loss_d, loss_g


def _no_detach(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z)))
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _no_detach_one_graph(generator, discriminator, x, z, optimiser_g, optimiser_d):
    fake = generator(z)
    optimiser_d.zero_grad()
    loss_d(discriminator, x, fake).backward(retain_graph=True)
    optimiser_d.step()
    loss_g(discriminator, fake).backward()
    optimiser_g.step()
    optimiser_g.zero_grad()


def _freed_graph(generator, discriminator, x, z, optimiser_g, optimiser_d):
    fake = generator(z)
    descend(optimiser_d, loss_d(discriminator, x, fake))
    descend(optimiser_g, loss_g(discriminator, fake))


def _g_detached(generator, discriminator, x, z, optimiser_g, optimiser_d):
    fake = generator(z).detach()
    descend(optimiser_d, loss_d(discriminator, x, fake))
    descend(optimiser_g, loss_g(discriminator, fake))


def _detached_in_the_wrong_half(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z)))
    descend(optimiser_g, loss_g(discriminator, generator(z).detach()))


def _logits_detached(generator, discriminator, x, z, optimiser_g, optimiser_d):
    real, fake = discriminator(x), discriminator(generator(z)).detach()
    descend(optimiser_d, loss_d(lambda logits: logits, real, fake))
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _d_never_cleared(generator, discriminator, x, z, optimiser_g, optimiser_d):
    loss_d(discriminator, x, generator(z).detach()).backward()
    optimiser_d.step()
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _g_never_cleared(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    loss_g(discriminator, generator(z)).backward()
    optimiser_g.step()


def _never_cleared(generator, discriminator, x, z, optimiser_g, optimiser_d):
    loss_d(discriminator, x, generator(z).detach()).backward()
    optimiser_d.step()
    loss_g(discriminator, generator(z)).backward()
    optimiser_g.step()


def _cleared_too_early(generator, discriminator, x, z, optimiser_g, optimiser_d):
    """D's gradients are cleared after its own step: those of G's half stay."""
    for optimiser, loss in (
        (optimiser_d, lambda: loss_d(discriminator, x, generator(z).detach())),
        (optimiser_g, lambda: loss_g(discriminator, generator(z))),
    ):
        loss().backward()
        optimiser.step()
        optimiser.zero_grad()


def _cleared_after_backward(generator, discriminator, x, z, optimiser_g, optimiser_d):
    for optimiser, loss in (
        (optimiser_d, lambda: loss_d(discriminator, x, generator(z).detach())),
        (optimiser_g, lambda: loss_g(discriminator, generator(z))),
    ):
        loss().backward()
        optimiser.zero_grad()
        optimiser.step()


def _frozen(generator, discriminator, x, z, optimiser_g, optimiser_d):
    discriminator.requires_grad_(True)
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    discriminator.requires_grad_(False)
    descend(optimiser_g, loss_g(discriminator, generator(z)))


def _one_loss(generator, discriminator, x, z, optimiser_g, optimiser_d):
    """One backward() for both: D is also moved up G's loss, and G down D's."""
    optimiser_d.zero_grad()
    optimiser_g.zero_grad()
    fake = generator(z)
    (loss_d(discriminator, x, fake) + loss_g(discriminator, fake)).backward()
    optimiser_d.step()
    optimiser_g.step()


NOTHING_MOVES = (
    "neither network moves: step() is missing, or zero_grad() stands between backward() and step()"
)

WRONG = (
    Wrong(
        "no detach",
        _no_detach,
        "D's loss is differentiated through the generator: give D the fakes as "
        "generator(z).detach() in its own step",
    ),
    Wrong(
        "no detach, one graph",
        _no_detach_one_graph,
        "D's backward() leaves gradients in G, and G's step follows them too: detach the fakes in "
        "D's half, instead of retain_graph=True",
    ),
    Wrong(
        "freed graph",
        _freed_graph,
        "D's backward() goes through the fakes into G, and frees their graph before G's half needs "
        "it: give D the fakes detached, then no retain_graph is needed",
    ),
    Wrong(
        "detached in G's half",
        _g_detached,
        "no gradient reaches G, and it never moves: its half is missing, or the fakes are detached "
        "there too",
    ),
    Wrong(
        "detached in the wrong half",
        _detached_in_the_wrong_half,
        "the detach is in the wrong half: the fakes are detached for D, and not for G",
    ),
    Wrong(
        "logits detached",
        _logits_detached,
        "D learns nothing from fakes: they have no term in its loss, or their logits are detached. "
        "Detach the fakes themselves, before D sees them",
    ),
    Wrong(
        "D never cleared",
        _d_never_cleared,
        "optimiser_d.zero_grad() is forgotten: D's gradients of all steps add up, with those that "
        "G's half leaves",
    ),
    Wrong(
        "G never cleared",
        _g_never_cleared,
        "optimiser_g.zero_grad() is forgotten: G's gradients of all steps add up",
    ),
    Wrong(
        "never cleared",
        _never_cleared,
        "zero_grad() is forgotten in both halves: the gradients of all steps add up",
    ),
    Wrong(
        "cleared too early",
        _cleared_too_early,
        "D's gradients are cleared before G's half, whose backward() leaves new ones: clear them "
        "just before D's own backward()",
    ),
    Wrong(
        "cleared after backward",
        _cleared_after_backward,
        NOTHING_MOVES,
    ),
    Wrong(
        "frozen",
        _frozen,
        "your step leaves a network with requires_grad off: it stays frozen",
    ),
    Wrong(
        "one loss",
        _one_loss,
        "both losses are added before one backward(): each network then follows the other's loss "
        "too. Two halves, each with its own backward()",
    ),
)
