"""What a command that trains does to its own process, which a library call must not do."""

from collections.abc import Sequence


def prepare_training(recipes: Sequence[str], seed: int) -> None:
    """Set up allocator, denormals and garbage collector; a misspelt recipe is reported before that,
    since it takes torch.

    Raises:
        UnknownNameError: no such recipe.
        ConfigError: a negative seed.
    """
    from dressform.workbench.arguments import check_request

    check_request(recipes, seed)

    from dressform.kernels.process import tune_process

    tune_process()
