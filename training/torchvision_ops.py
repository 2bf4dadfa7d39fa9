"""Lets AutoGluon import where torchvision was built for another torch. Import this before AutoGluon.

The CPU build of torch and PyPI's torchvision do not fit: torchvision's compiled operators are not loaded, and its
import fails on the schemas of two of them ("operator torchvision::nms does not exist"). Texts never call them, so
declaring the schemas is enough.
"""

import torch

_OPERATORS = ("nms", "qnms")


def _declare_missing() -> "torch.library.Library | None":
    try:
        import torchvision  # noqa: F401, PLC0415 - only to see whether it can be imported
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None


_library = _declare_missing()  # the schemas live as long as this reference
