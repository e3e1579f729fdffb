"""Pretrained weights: where they come from, and that they are never dropped silently."""

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from seg_helpers.models import WeightsError, build_model, encoders
from seg_helpers.models.hrnet import VARIANTS, HRNetBody


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """A state_dict as torchvision publishes it, its classifier included."""
    torch.manual_seed(3)
    return mobilenet_v2(weights=None).state_dict()


@pytest.fixture
def no_download(monkeypatch):
    def refuse(name):
        raise OSError("no route to the hub")

    monkeypatch.setattr(encoders, "download_state_dict", refuse)


def holds(network, published) -> bool:
    own = network.encoder.state_dict()
    return all(torch.equal(own[key], value) for key, value in published.items() if not key.startswith("classifier."))


@pytest.mark.parametrize("wrap", ["plain", "checkpoint", "data parallel", "safetensors"])
def test_a_path_fills_the_encoder(wrap, published, tmp_path):
    path = tmp_path / ("weights.safetensors" if wrap == "safetensors" else "weights.pth")
    if wrap == "safetensors":
        save_file(published, path)
    elif wrap == "checkpoint":
        torch.save({"state_dict": published}, path)
    else:
        prefix = "module." if wrap == "data parallel" else ""
        torch.save({prefix + key: value for key, value in published.items()}, path)
    assert holds(build_model("unet", 3, encoder_weights=path), published)


def test_imagenet_takes_the_local_file_first(no_download, published, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(published, path)
    assert holds(build_model("deeplabv3plus", 3, encoder_weights="imagenet", weights_file=path), published)


def test_imagenet_without_file_or_network_names_both_remedies(no_download, published, tmp_path):
    with pytest.raises(WeightsError) as missing:
        build_model("unet", 3, encoder_weights="imagenet")
    path = tmp_path / "weights.pth"
    torch.save(published, path)
    with pytest.raises(WeightsError) as unfit:
        build_model("unet", 3, encoder="resnet18", encoder_weights="imagenet", weights_file=path)
    for message in (str(missing.value), str(unfit.value)):
        assert "WEIGHTS" in message
        assert "internet" in message
        assert "no route to the hub" in message
    assert "no local file was given" in str(missing.value)
    assert "does not fit ResNetEncoder" in str(unfit.value)


def test_a_download_in_place_of_an_unfit_file_is_said(monkeypatch, published, tmp_path):
    monkeypatch.setattr(encoders, "download_state_dict", lambda name: published)
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.warns(UserWarning, match="does not fit MobileNetV2Encoder.*of the library"):
        network = build_model("unet", 3, encoder_weights="imagenet", weights_file=path)
    assert holds(network, published)


def test_a_path_that_does_not_fit_stops(published, tmp_path):
    path = tmp_path / "weights.pth"
    with pytest.raises(WeightsError, match="check the path"):
        build_model("unet", 3, encoder_weights=path)
    path.write_bytes(b"not a torch file")
    with pytest.raises(WeightsError, match="cannot be read"):
        build_model("unet", 3, encoder_weights=path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="holds no state_dict"):
        build_model("unet", 3, encoder_weights=path)
    torch.save(published, path)
    with pytest.raises(WeightsError, match=r'weights.pth does not fit ResNetEncoder: Missing key.* "conv1.weight"$'):
        build_model("unet", 3, encoder="resnet18", encoder_weights=path)
    torch.save(published | {"features.0.0.weight": torch.zeros(32, 1, 3, 3)}, path)
    with pytest.raises(WeightsError, match=r"features.0.0.weight.*\[32, 1, 3, 3\].*\[32, 3, 3, 3\]"):
        build_model("unet", 3, encoder_weights=path)


def test_hrnet_takes_a_published_classifiers_body(tmp_path):
    torch.manual_seed(4)
    body = HRNetBody(VARIANTS["w18_small_v1"]).state_dict()
    path = tmp_path / "hrnet.pth"
    torch.save(
        body | {"classifier.weight": torch.zeros(1000, 8), "incre_modules.0.0.conv1.weight": torch.zeros(2)},
        path,
    )
    network = build_model("hrnet", 3, encoder_weights=path, variant="w18_small_v1")
    assert all(torch.equal(value, body[key]) for key, value in network.encoder.state_dict().items())


def test_timm_names_hrnets_layers_as_we_do():
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        for variant, name in (("w48", "hrnet_w48"), ("w18_small_v1", "hrnet_w18_small")):
            theirs = {k: v.shape for k, v in timm.create_model(name).state_dict().items()}
            ours = {k: v.shape for k, v in HRNetBody(VARIANTS[variant]).state_dict().items()}
            assert ours.items() <= theirs.items()


def test_a_timm_encoder_takes_timms_own_file(tmp_path):
    torch.manual_seed(5)
    body = encoders.build_encoder("tu-resnet18").state_dict()
    path = tmp_path / "resnet18.pth"
    torch.save({key.removeprefix("model."): value for key, value in body.items()} | {"fc.bias": torch.zeros(9)}, path)
    network = build_model("fcn", 3, encoder="tu-resnet18", encoder_weights=path)
    assert all(torch.equal(value, body[key]) for key, value in network.encoder.state_dict().items())
