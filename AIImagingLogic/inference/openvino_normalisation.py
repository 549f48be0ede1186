"""Instance normalisation by OpenVINO, kept exact on windows that vary little."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEP = 16


def centre_first_normalisations(model: Any) -> None:
    """Make the first instance normalisations of an OpenVINO model subtract a rough mean before they sum.

    OpenVINO sums in single precision. Over a window of air, where values vary by a thousandth of their mean, its mean
    is off by a share of their spread that shows in the output (measured with a trained nnU-Net: .24 of 45). The
    mean over every 16th voxel is near enough to take that away, and a normalisation does not change by it. What comes
    after a normalisation is spread about nought already.

    Parameters
    ----------
    model : openvino.Model with static shapes; changed in place
    """
    from openvino import opset14 as operations
    from openvino.passes import ConstantFolding, Manager

    # The axes are computed from a shape that is known by now.
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)

    after: set[str] = set()
    for operation in model.get_ordered_ops():
        sources = [put.get_source_output() for put in operation.inputs()]
        if any(source.get_node().get_friendly_name() in after for source in sources):
            after.add(operation.get_friendly_name())
        elif operation.get_type_name() == "MVN":
            after.add(operation.get_friendly_name())
            sides = [int(side) for side in operation.input(0).get_partial_shape().to_shape()][2:]
            axes = np.arange(2, 2 + len(sides))
            if not _is_over(operation, axes):
                continue
            starts = np.array([min(_STEP, side) // 2 for side in sides])
            ends = np.array(sides)
            sample = operations.slice(sources[0], starts, ends, np.full(len(sides), _STEP), axes)
            centred = operations.subtract(sources[0], operations.reduce_mean(sample, axes, keep_dims=True))
            operation.input(0).replace_source_output(centred.output(0))
    model.validate_nodes_and_infer_types()


def _is_over(operation: Any, axes: NDArray[np.int_]) -> bool:
    """Whether an MVN takes mean and spread over exactly these axes."""
    given = operation.input_value(1).get_node()
    return given.get_type_name() == "Constant" and sorted(np.ravel(given.data).tolist()) == axes.tolist()
