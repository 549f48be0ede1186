"""Small MONAI bundles with a RetinaNet, written as published ones are laid out; weights are random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from AIImagingLogic.models.retinanet.architecture import RetinaNetArchitecture
from AIImagingLogic.models.retinanet.network import build_retinanet

RESNET = "monai.networks.nets.resnet"
EXTRACTOR = "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor"
ARCHITECTURE = RetinaNetArchitecture("basic", (1, 1, 1, 1), 1, 1, 2, (1,), (7, 7, 7), (2, 2, 1))


def configuration() -> dict[str, Any]:
    """Return a configuration for a ResNet-10 with one level and two anchors."""
    return {
        "imports": ["$import os"],
        "bundle_root": ".",
        "raw": False,
        "step": [16, 16, 8],
        "anchors": {
            "_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
            "feature_map_scales": [1, 2],
            "base_anchor_shapes": [[6, 8, 4], [10, 10, 6]],
        },
        "body": f"${RESNET}.resnet10(spatial_dims=3, n_input_channels=1, conv1_t_stride=[2, 2, 1])",
        "features": f"${EXTRACTOR}(@body, 3, False, [1], None)",
        "network_def": {
            "_target_": "RetinaNet",
            "spatial_dims": 3,
            "num_classes": 1,
            "num_anchors": 2,
            "feature_extractor": "@features",
            "size_divisible": "@step",
        },
        "network": "$@network_def.to(torch.device('cpu'))",
        "finder": {
            "_target_": "RetinaNetDetector",
            "network": "@network",
            "anchor_generator": "@anchors",
            "spatial_dims": 3,
            "num_classes": 1,
            "size_divisible": "@step",
        },
        "finder_setup": [
            "$@finder.set_box_selector_parameters(score_thresh=0.1, nms_thresh=0.3, detections_per_img=5)",
            "$@finder.set_sliding_window_inferer(roi_size=[512, 512, 192], overlap=0.4)",
        ],
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "image", "pixdim": [2.0, 2.0, 2.5], "_disabled_": "$not @raw"},
                {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -1000, "a_max": 400, "clip": True},
                {"_target_": "EnsureTyped", "keys": "image"},
            ],
        },
    }


def write_bundle(
    folder: Path, config: dict[str, Any] | None = None, name: str = "Bright bodies", bias: float = 3.0
) -> Path:
    """Write a bundle; `bias` is the logit that every place starts from."""
    import torch

    torch.manual_seed(7)
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(config or configuration()))
    metadata = {"name": name, "version": "1.2.3", "intended_use": "A test."}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    module = build_retinanet(ARCHITECTURE)
    weights = {key: value.clone() for key, value in module.state_dict().items()}
    weights["classification_head.cls_logits.bias"] += bias
    torch.save({"model": weights}, folder / "models" / "model.pt")
    return folder
