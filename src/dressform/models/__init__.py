"""Networks by name. `MODELS` lists them without importing torch; `build_model` builds one."""

from dressform.core.registry import Registry

MODELS = Registry(
    "model",
    {
        "minivggnet": "dressform.models.minivggnet:MiniVGGNet",
        "baseline-cnn": "dressform.models.baseline:BASELINE",
        "baseline-cnn-same": "dressform.models.baseline:BASELINE_SAME",
        "baseline-cnn-same-64": "dressform.models.baseline:BASELINE_SAME_64",
        "simple-dense": "dressform.models.dense:Dense",
        "cnn1": "dressform.models.layered:CNN1",
        "cnn2": "dressform.models.layered:CNN2",
        "lenet5-rbf": "dressform.models.lenet5:LENET5_RBF",
        "lenet5-relu": "dressform.models.lenet5:LENET5_RELU",
        "first-cnn": "dressform.models.baseline:FIRST_CNN",
        "complex1": "dressform.models.layered:COMPLEX1",
        "complex2": "dressform.models.layered:COMPLEX2",
        "conv1": "dressform.models.baseline:FIRST_CNN",
        "conv3": "dressform.models.layered:CONV3",
        "conv4": "dressform.models.layered:CONV4",
        "fastnet": "dressform.models.fastnet:FastNet",
        "fastnet-ensemble": "dressform.models.ensemble:Ensemble",
        "efficientnet-lite0": "dressform.models.efficientnet_lite:EfficientNetLite0",
        "wide-resnet": "dressform.models.wide_resnet:WideResNet",
        "vgg19": "dressform.models.vgg:VGG19",
    },
)

__all__ = ["MODELS"]
