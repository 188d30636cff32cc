"""The operators that guests are built with, and the attributes each of them is written with.

The list is the guest's (its register of operators); a test holds the two together.
"""

from __future__ import annotations

_IMAGE = ("T", "data_format", "padding", "strides")

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Add": ("T",),
    "AddV2": ("T",),
    "AvgPool": (*_IMAGE, "ksize"),
    "BiasAdd": ("T", "data_format"),
    "ConcatV2": ("N", "T", "Tidx"),
    "Const": ("dtype", "value"),
    "Conv2D": (*_IMAGE, "dilations"),
    "DepthwiseConv2dNative": (*_IMAGE, "dilations"),
    "FusedBatchNorm": ("T", "data_format", "epsilon", "is_training"),
    "Identity": ("T",),
    "MaxPool": (*_IMAGE, "ksize"),
    "Mul": ("T",),
    "Pad": ("T", "Tpaddings"),
    "Placeholder": ("dtype", "shape"),
    "Relu": ("T",),
    "Relu6": ("T",),
    "Reshape": ("T", "Tshape"),
    "Rsqrt": ("T",),
    "Sigmoid": ("T",),
    "Softmax": ("T",),
    "Squeeze": ("T", "squeeze_dims"),
    "Sub": ("T",),
    "Tile": ("T", "Tmultiples"),
}
"""Operator → the attributes that are kept; all others have their default, which `canonical` checks."""

TRANSPARENT = ("CheckNumerics", "Identity", "PlaceholderWithDefault", "PreventGradient", "Snapshot", "StopGradient")
"""Operators that hand on their first input unchanged: debugging and training leave them behind."""

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
