"""Networks that ImageNet taught to see, and that learn your classes."""

from dressform.models.efficientnet_lite import EfficientNetLite0
from dressform.models.vgg import VGG19
from dressform.training.recipe import Augment, Optim, Recipe, Schedule


def transfer_efficientnet_lite0() -> Recipe:
    """For photos: ``dressform train transfer-efficientnet-lite0 --data photos/``. Weights come with
    ``dressform[transfer]``.

    The first five stages see four versions of each photo once; what comes after them learns
    (docs/photos.md).
    """
    return Recipe(
        name="transfer-efficientnet-lite0",
        model=EfficientNetLite0(weights="imagenet", frozen=5, side=96),
        epochs=12,
        batch_size=32,
        optim=Optim(kind="adamw", lr=1e-3, weight_decay=0.02),
        schedule=Schedule(kind="cosine", warmup=0.1),
        augment=Augment(
            flip=0.5, shift=0.06, rotate=8, zoom=0.15, brightness=0.2, contrast=0.2, saturation=0.2
        ),
        label_smoothing=0.1,
        cached_features=4,
    )


def transfer_vgg19() -> Recipe:
    """Tutorial 4's: images enlarged to 150 x 150, VGG19's features, dense 512; Adam, batch 256,
    10 epochs as its other networks.

    ``dressform train transfer-vgg19 --set model.weights=vgg19.safetensors``, or ``=hub``, which
    fetches 575 MB once.
    """
    return Recipe(
        name="transfer-vgg19",
        model=VGG19(weights="imagenet"),
        epochs=10,
        batch_size=256,
        optim=Optim(kind="adam", lr=1e-3),
        cached_features=1,
        validation_fraction=0.2,
        split_seed=13,
    )
