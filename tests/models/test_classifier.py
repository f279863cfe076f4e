import torch
from torch import nn

from dressform.models.network import Classifier


def test_the_scaling_is_the_loaded_ones() -> None:
    """Pixels in [0, 1] that need no scaling are passed on as they are; a network that is loaded
    into may need some.
    """
    plain = Classifier(nn.Flatten(), torch.zeros(1), torch.ones(1))
    scaling = Classifier(nn.Flatten(), torch.tensor([0.3]), torch.tensor([0.5]))
    pixels = torch.rand(2, 1, 4, 4)
    assert torch.equal(plain(pixels), pixels.flatten(1))
    torch.testing.assert_close(scaling(pixels), (pixels.flatten(1) - 0.3) / 0.5)
    unit = {name: values.clone() for name, values in plain.state_dict().items()}
    plain.load_state_dict(scaling.state_dict())
    scaling.load_state_dict(unit)
    torch.testing.assert_close(plain(pixels), (pixels.flatten(1) - 0.3) / 0.5)
    assert torch.equal(scaling(pixels), pixels.flatten(1))
