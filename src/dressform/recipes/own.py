"""Our own recipes."""

from dataclasses import replace

from dressform.models.ensemble import Ensemble
from dressform.models.fastnet import FastNet
from dressform.models.wide_resnet import WideResNet
from dressform.training.recipe import (
    Augment,
    Distillation,
    HardExamples,
    Optim,
    Recipe,
    Schedule,
)

NARROW = FastNet(widths=(24, 40, 64))
"""91,552 parameters for ten classes."""
SLIM = FastNet(widths=(48, 80, 104))
"""291,504 parameters for ten classes."""


def fast() -> Recipe:
    """The default: a good classifier in a minute or two on two cores.

    ``dressform train fast``. Muon, and after the first epoch the harder half of the examples;
    everything was chosen on images held out of the training images (docs/log.md).
    """
    return Recipe(
        name="fast",
        model=FastNet(widths=(32, 96, 192)),
        epochs=7,
        batch_size=250,
        optim=Optim(
            kind="muon", lr=0.1, momentum=0.6, sgd_lr=0.5, sgd_momentum=0.85, weight_decay=5e-4
        ),
        schedule=Schedule(kind="linear", warmup=0.2),
        augment=Augment(alternate_flip=True),
        hard_examples=HardExamples(fraction=0.5, start=1, random_fraction=0.3),
        pixels="standardize",
        label_smoothing=0.02,
        validation_fraction=0.05,
    )


def fast_93() -> Recipe:
    """As accurate as tutorial 0's network, in half the time of ``fast``: fewer filters and epochs.

    ``dressform train fast-93``.
    """
    return replace(fast(), name="fast-93", model=FastNet(), epochs=4)


def fast_95() -> Recipe:
    """Two networks twice as wide, whose logits for an image and its mirror image are averaged, five
    times the epochs; images are shifted and rectangles erased.

    ``dressform train fast-95``. A prediction costs about fifteen times that of ``fast``. Chosen on
    images held out of the training images (docs/log.md).
    """
    return replace(
        fast(),
        name="fast-95",
        model=Ensemble(of=FastNet(widths=(64, 128, 256)), members=2, mirror=True),
        epochs=36,
        augment=Augment(alternate_flip=True, crop=1, erase=0.5),
    )


def medium() -> Recipe:
    """Fewer than 1,000,000 parameters: three networks, averaged, sixty epochs at a lower learning
    rate; images are shifted and rectangles erased.

    ``dressform train medium``. The learning rate was chosen on images held out of the training
    images, for a narrower network (docs/log.md).
    """
    recipe = fast()
    return replace(
        recipe,
        name="medium",
        model=Ensemble(of=SLIM, members=3),
        epochs=60,
        optim=replace(recipe.optim, lr=0.04, sgd_lr=0.2),
        augment=Augment(alternate_flip=True, crop=1, erase=0.5),
    )


def small() -> Recipe:
    """Fewer than 300,000 parameters: one network of ``medium``'s kind, taught by ``medium``.

    ``dressform train small``. Settings as in ``medium``, without erasing (docs/log.md).
    """
    teacher = medium()
    return replace(
        teacher,
        name="small",
        model=SLIM,
        augment=Augment(alternate_flip=True, crop=1),
        distillation=Distillation(teacher=teacher),
    )


def tiny() -> Recipe:
    """Fewer than 100,000 parameters: one narrow network, taught by ``medium``.

    ``dressform train tiny``. Chosen on images held out of the training images (docs/log.md).
    """
    return replace(small(), name="tiny", model=NARROW)


def fast_gpu() -> Recipe:
    """``fast`` in the large batches that keep a GPU busy.

    ``dressform train fast-gpu``. Chosen on images held out of the training images (docs/log.md).
    """
    recipe = fast()
    optim = replace(recipe.optim, lr=0.2, momentum=0.7)
    return replace(recipe, name="fast-gpu", epochs=8, batch_size=1000, optim=optim)


def large() -> Recipe:
    """A wide residual network, for a GPU: WRN-28-4 with random erasing (Z. Zhong et al. 2017,
    https://arxiv.org/abs/1708.04896).

    ``dressform train large``. Its settings are those of the papers; nothing was chosen on our
    images yet, and it has not been measured.
    """
    return Recipe(
        name="large",
        model=WideResNet(depth=28, width=4),
        epochs=100,
        batch_size=256,
        optim=Optim(kind="sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
        schedule=Schedule(kind="cosine", warmup=0.05),
        augment=Augment(flip=0.5, crop=2, erase=0.5),
        pixels="standardize",
        validation_fraction=0.05,
    )
