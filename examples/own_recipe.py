"""Your own network and recipe in one file; nothing has to be registered.

dressform train examples/own_recipe.py:own --data path/to/images
"""

from torch import nn

import dressform as df


def network(shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Any module from float [N, C, H, W] to logits [N, classes]; the data say the shape and the
    classes.
    """
    _, _, channels = shape
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, stride=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32 * 16, classes),
    )


def own() -> df.Recipe:
    """How to train it; every field can be changed by --set, such as --set epochs=3."""
    return df.Recipe(
        name="own",
        model=network,
        epochs=5,
        batch_size=128,
        optim=df.Optim(kind="adam", lr=2e-3),
        schedule=df.Schedule(kind="cosine"),
        augment=df.Augment(flip=0.5, shift=0.05),
    )
