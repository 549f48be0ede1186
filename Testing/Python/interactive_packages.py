"""Stand-ins for interactive models of the user: networks and a package with the same calls, weights made here.

None of them is the real model. Each marks what is bright, adds a ball at a click in the object and takes one away at a
click beside it, in the coordinates that the real one is given: so a wrong grid, axis or order shows at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from AIImagingLogic.models.card import ModelCard

# Voxels brighter than 50 are the object; the phantom is 0 outside and 100 inside.
_DEEPEDIT_RANGE = (0.0, 100.0)
_VISTA_RANGE = (-963.8247715525971, 1053.678477684517)
BALL_VOXELS = 4.0


def write_deepedit(folder: Path, size: tuple[int, int, int] = (40, 40, 40)) -> Path:
    """Write a bundle with DeepEdit's transforms; its network is one convolution of image and guidance."""
    import torch
    from safetensors.torch import save_file

    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    low, high = _DEEPEDIT_RANGE
    scale = {
        "_target_": "ScaleIntensityRanged",
        "keys": "image",
        "a_min": low,
        "a_max": high,
        "b_min": 0.0,
        "b_max": 1.0,
    }
    config: dict[str, Any] = {
        "bundle_root": ".",
        "label_names": {"knobby": 1, "background": 0},
        "spatial_size": list(size),
        "number_intensity_ch": 1,
        "network_def": {
            "_target_": "monai.networks.blocks.Convolution",
            "spatial_dims": 3,
            "in_channels": "$len(@label_names) + @number_intensity_ch",
            "out_channels": "$len(@label_names)",
            "kernel_size": 1,
            "conv_only": True,
        },
        "network": "@network_def",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {**scale, "clip": True},
                {"_target_": "AddGuidanceSignalDeepEditd", "keys": "image", "guidance": "guidance"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    metadata = {"name": "Stand-in for DeepEdit", "version": "1.0", "network_data_format": {}}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    weight, bias = torch.zeros(2, 3, 1, 1, 1), torch.zeros(2)
    # Of the object: bright, or at a click in it; and not at a click beside it.
    weight[1, :, 0, 0, 0] = torch.tensor([20.0, 25.0, -40.0])
    bias[1] = -10.0
    save_file({"conv.weight": weight, "conv.bias": bias}, folder / "models" / "model.safetensors")
    return folder


def write_vista3d(folder: Path, window: int = 32) -> Path:
    """Write a bundle with VISTA3D's settings and no weights."""
    (folder / "configs").mkdir(parents=True)
    low, high = _VISTA_RANGE
    scale = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": low, "a_max": high, "b_min": 0, "b_max": 1}
    config = {
        "resample_spacing": [1.5, 1.5, 1.5],
        "patch_size": [window] * 3,
        "network_def": "$monai.networks.nets.vista3d132(in_channels=1)",
        "network": "@network_def",
        "preprocessing": {"_target_": "Compose", "transforms": [{**scale, "clip": True}]},
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    (folder / "configs" / "metadata.json").write_text(json.dumps({"name": "Stand-in for VISTA3D", "version": "1.0"}))
    return folder


class VistaStandIn:
    """Called as VISTA3D is: an image patch, and clicks in voxels of the whole padded image."""

    def __init__(self) -> None:
        self.previous: list[Any] = []

    def __call__(self, patch: Any, *, point_coords: Any, point_labels: Any, prompt_class: Any, **more: Any) -> Any:
        """Return logits (1, 1, x, y, z)."""
        import torch

        assert more["transpose"] and more["class_vector"] is None and prompt_class.tolist() == [[133]]
        assert point_coords.shape[0] == 1 and point_labels.shape == point_coords.shape[:2]
        self.previous.append(more["prev_mask"])
        ((_, _, *where),) = more["patch_coords"]
        low, high = _VISTA_RANGE
        logits = 4000.0 * (patch - (50 - low) / (high - low))
        lines = [torch.arange(part.start, part.stop, dtype=torch.float32) for part in where]
        places = torch.stack(torch.meshgrid(*lines, indexing="ij"), dim=-1)
        for point, label in zip(point_coords[0], point_labels[0].tolist(), strict=True):
            near = (places - point).norm(dim=-1) <= BALL_VOXELS
            logits[0, 0][near] = 9.0 if label == 1 else -9.0
        return logits


def write_nninteractive(folder: Path) -> Path:
    """Write a package named nnInteractive into `folder`, with the session's calls of version 2 and their demands."""
    place = folder / "nnInteractive" / "inference"
    place.mkdir(parents=True)
    (place / "inference_session.py").write_text(_SESSION)
    return folder


def write_weights(folder: Path, licence: str | None = "CC BY-NC-SA 4.0\nhttps://example.org/licence\n") -> Path:
    """Write a folder of weights as nnInteractive keeps them below its model folder."""
    (folder / "models" / "nnInteractive_v1.0" / "fold_0").mkdir(parents=True)
    if licence is not None:
        (folder / "models" / "nnInteractive_v1.0" / "LICENSE").write_text(licence)
    return folder


def stand_in_card(model_id: str) -> ModelCard:
    """Return a card under which a stand-in is stored."""
    return ModelCard(
        id=model_id,
        version="1.0.0",
        name="Stand-in",
        task="segment",
        modality="CT",
        anatomy="",
        inputs=("CT",),
        outputs=(),
        needs=(),
        licence="Apache-2.0",
        intended_use="Tests.",
        limits=(),
        training_data="None.",
        tested_on="Tests.",
        references=(),
        source="monai-bundle",
        runs="not yet",
        licence_url="https://example.org/apache",
    )


_SESSION = """
import numpy as np

made = []


class nnInteractiveInferenceSession:
    def __init__(self, device, use_torch_compile=False, verbose=False, torch_n_threads=8, do_autozoom=True):
        self.calls = []
        made.append(self)

    def initialize_from_trained_model_folder(self, folder, use_fold=None, checkpoint_name="checkpoint_final.pth"):
        if "broken" in folder:
            raise RuntimeError("bad magic number")

    def set_image(self, image, image_properties=None):
        assert image.ndim == 4
        self.image = image[0]

    def set_target_buffer(self, buffer):
        assert buffer.shape == self.image.shape
        self.buffer = buffer

    def reset_interactions(self):
        self.calls.append("reset")
        self.buffer[:] = 0

    def add_initial_seg_interaction(self, initial_seg, run_prediction=False):
        assert initial_seg.shape == self.image.shape
        self.reset_interactions()
        self.calls[-1] = "initial"
        self.buffer[:] = initial_seg

    def add_point_interaction(self, coordinates, include_interaction, run_prediction=True):
        assert len(coordinates) == 3
        self.calls.append("point")
        places = np.indices(self.image.shape).transpose(1, 2, 3, 0)
        near = np.linalg.norm(places - np.array(coordinates), axis=-1) <= 4.0
        self.buffer[near] = 1 if include_interaction else 0

    def add_bbox_interaction(self, bbox_coords, include_interaction, run_prediction=True):
        sizes = [last - first for first, last in bbox_coords]
        if min(sizes) <= 0 or 1 not in sizes:
            raise ValueError("flat boxes only")
        self.calls.append("box")
        where = tuple(slice(first, last) for first, last in bbox_coords)
        self.buffer[where] |= (self.image[where] > 50).astype(np.uint8)

    def add_scribble_interaction(self, scribble_image, include_interaction, run_prediction=True):
        assert scribble_image.shape == self.image.shape and set(np.unique(scribble_image)) <= {0, 1}
        self.calls.append("scribble")
        self.buffer[scribble_image == 1] = 1 if include_interaction else 0

    def add_lasso_interaction(self, lasso_image, include_interaction, run_prediction=True):
        assert lasso_image.shape == self.image.shape
        self.calls.append("lasso")
        self.buffer[lasso_image == 1] = 1 if include_interaction else 0
"""
