"""Steps down wrong losses."""

from torch.nn.functional import softplus

from dgm_lib.exercises.gan.adversarial_answers.pieces import Wrong, descend, loss_d, step_from


def _sums_d(discriminator, x, fake):
    return softplus(-discriminator(x)).sum() + softplus(discriminator(fake)).sum()


def _own_noise(generator, discriminator, x, z, optimiser_g, optimiser_d):
    descend(optimiser_d, loss_d(discriminator, x, generator(z).detach()))
    fake = generator(z.flip(0) + 1)
    descend(optimiser_g, softplus(-discriminator(fake)).mean())


WRONG = (
    Wrong(
        "labels swapped",
        step_from(
            of_d=lambda D, x, fake: softplus(D(x)).mean() + softplus(-D(fake)).mean(),
        ),
        "D's labels are swapped: data are real, label 1, and fakes are 0",
    ),
    Wrong(
        "both labels swapped",
        step_from(
            of_d=lambda D, x, fake: softplus(D(x)).mean() + softplus(-D(fake)).mean(),
            of_g=lambda D, fake: softplus(D(fake)).mean(),
        ),
        "the labels are swapped in both losses: D = sigmoid(logit) is the chance that a point is "
        "real",
    ),
    Wrong(
        "D maximises",
        step_from(of_d=lambda *arguments: -loss_d(*arguments)),
        "the sign of D's loss is flipped: the optimiser minimises",
    ),
    Wrong(
        "saturating",
        step_from(of_g=lambda D, fake: -softplus(D(fake)).mean()),
        "G's loss is the saturating mean log(1 − D): the non-saturating −mean log D is asked for",
    ),
    Wrong(
        "G helps D",
        step_from(of_g=lambda D, fake: softplus(D(fake)).mean()),
        "G's loss makes its fakes easy to tell: label them real there, −mean log D",
    ),
    Wrong(
        "G climbs",
        step_from(of_g=lambda D, fake: -softplus(-D(fake)).mean()),
        "the sign of G's loss is flipped: the optimiser minimises −mean log D",
    ),
    Wrong(
        "fakes only",
        step_from(of_d=lambda D, x, fake: softplus(D(fake)).mean()),
        "D never sees the data: it calls everything fake",
    ),
    Wrong(
        "sums",
        step_from(of_d=_sums_d, of_g=lambda D, fake: softplus(-D(fake)).sum()),
        "the losses are summed over the batch: the step then grows with its size, take means",
    ),
    Wrong(
        "half",
        step_from(of_d=lambda *arguments: loss_d(*arguments) / 2),
        "D's two means are averaged: they are added, with no factor 1/2",
    ),
    Wrong(
        "sigmoid twice",
        step_from(
            of_d=lambda D, x, fake: loss_d(lambda x: D(x).sigmoid(), x, fake),
            of_g=lambda D, fake: softplus(-D(fake).sigmoid()).mean(),
        ),
        "the sigmoid is applied twice: softplus, logsigmoid and ..._with_logits take the logits "
        "themselves",
    ),
    Wrong(
        "Wasserstein",
        step_from(
            of_d=lambda D, x, fake: D(fake).mean() - D(x).mean(),
            of_g=lambda D, fake: -D(fake).mean(),
        ),
        "these are a critic's losses (lecture 08): here the logits go through −log sigmoid",
    ),
    Wrong(
        "both smoothed",
        step_from(
            of_d=lambda D, x, fake: (
                0.9 * loss_d(D, x, fake)
                + 0.1 * softplus(D(x)).mean()
                + 0.1 * softplus(-D(fake)).mean()
            ),
        ),
        "the labels are smoothed: here 1 for data and 0 for fakes (smoothing comes in 07b)",
    ),
    Wrong(
        "other codes",
        _own_noise,
        "G's step uses other codes: the same z serves both halves",
    ),
)
