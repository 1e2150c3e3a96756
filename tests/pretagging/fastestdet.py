"""FastestDet (BSD-3, xuehao.ma) in onnxruntime: a real detector; its weights lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

WEIGHTS = Path(__file__).parents[2].parent / "shared" / "data" / "fastestdet.onnx"
SIDE = 352
COCO = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant stop_sign "
    "parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag "
    "tie suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard "
    "tennis_racket bottle wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot "
    "hot_dog pizza donut cake chair couch potted_plant bed dining_table toilet tv laptop mouse remote "
    "keyboard cell_phone microwave oven toaster sink refrigerator book clock vase scissors teddy_bear "
    "hair_drier toothbrush"
)


class FastestDet:
    """`(list of uint8 RGB) -> boxes, scores, labels`, one picture after the other."""

    categories = tuple(name.replace("_", " ") for name in COCO.split())

    def __init__(self) -> None:
        if not WEIGHTS.is_file():
            pytest.skip(f"the detector's weights are not at {WEIGHTS}")
        runtime = pytest.importorskip("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = runtime.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"])

    def __call__(self, images: list[np.ndarray]) -> tuple[list, list, list]:
        found = [self._one(image) for image in images]
        return [f[0] for f in found], [f[1] for f in found], [f[2] for f in found]

    def _one(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
        pixels = cv2.resize(image[:, :, ::-1], (SIDE, SIDE)).transpose(2, 0, 1)[None].astype(np.float32) / 255
        out = self.session.run(None, {"input.1": pixels})[0][0].astype(np.float64)
        cells = out.shape[1]
        row, column = np.mgrid[:cells, :cells]
        center = np.stack([column + np.tanh(out[1]), row + np.tanh(out[2])]) / cells
        half = 0.5 / (1 + np.exp(-out[3:5]))
        size = np.array([image.shape[1], image.shape[0]])
        boxes = np.concatenate([center - half, center + half]).reshape(4, -1).T * np.tile(size, 2)
        classes = out[5:].reshape(80, -1)
        scores = (out[0].ravel() ** 0.6) * (classes.max(axis=0) ** 0.4)
        kept = np.flatnonzero(scores > 0.3)
        xywh = [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes[kept].tolist()]
        rows = kept[np.asarray(cv2.dnn.NMSBoxes(xywh, scores[kept].tolist(), 0.3, 0.45), int)]
        return boxes[rows], scores[rows], [self.categories[n] for n in classes[:, rows].argmax(axis=0)]
