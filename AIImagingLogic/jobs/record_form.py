"""Records, images and transforms to and from JSON, with the images beside it in shared memory."""

from __future__ import annotations

import json
import mmap
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, cast

import SimpleITK as sitk

from AIImagingLogic import records
from AIImagingLogic.jobs.captured_inputs import IMAGE_KEY
from AIImagingLogic.jobs.image_layout import ImageLayout, read_array
from AIImagingLogic.jobs.transform_form import TRANSFORM_KEY, transform_from_json, transform_to_json
from AIImagingLogic.records.json_form import Beside, Fetch, Record

GetImage = Callable[[int], sitk.Image]


def encoded_result(result: Any, layout: ImageLayout) -> tuple[bytes, str]:
    """Return the JSON of a result and ``module:Class`` of its record; its images join `layout`.

    Raises
    ------
    TypeError, ValueError
        It is neither a Record nor an image, a transform, or JSON data.
    """

    def add_image(image: sitk.Image) -> int:
        return layout.add(
            sitk.GetArrayViewFromImage(image),
            owner=image,
            vector="vector" in image.GetPixelIDTypeAsString(),
            spacing=image.GetSpacing(),
            origin=image.GetOrigin(),
            direction=image.GetDirection(),
        )

    def beside(value: Any, name: str) -> Any:
        if isinstance(value, sitk.Transform):
            return transform_to_json(value, add_image)
        return {IMAGE_KEY: add_image(value)}

    kind = ""
    if isinstance(result, Record):
        data: Any = result.to_json(cast(Beside, beside))
        kind = f"{type(result).__module__}:{type(result).__qualname__}"
    elif isinstance(result, (sitk.Image, sitk.Transform)):
        data = beside(result, "")
    else:
        data = result
    return json.dumps(data, ensure_ascii=False).encode(), kind


def decoded_result(body: bytes, kind: str, images: list[dict[str, Any]], memory: mmap.mmap | None) -> Any:
    """Return the result that `encoded_result` described."""
    get_image = image_reader(images, memory)
    data = json.loads(body)
    if kind:
        module, _, name = kind.partition(":")
        record: type[Record] = getattr(import_module(module), name)
        return record.from_json(data, fetcher(get_image))
    if isinstance(data, dict) and (IMAGE_KEY in data or TRANSFORM_KEY in data):
        return fetcher(get_image)(cast(str, data))
    return data


def decoded_argument(value: Any, get_image: GetImage) -> Any:
    """Return an argument of a job: images, Records and lists and dicts with these inside are made of their JSON."""
    if isinstance(value, Mapping):
        if IMAGE_KEY in value or TRANSFORM_KEY in value:
            return fetcher(get_image)(cast(str, value))
        if "record" in value:
            return record_class(value["record"]).from_json(value, fetcher(get_image))
        return {key: decoded_argument(item, get_image) for key, item in value.items()}
    if isinstance(value, list):
        return [decoded_argument(item, get_image) for item in value]
    return value


def record_class(name: str) -> type[Record]:
    """Return the Record class of that name.

    Raises
    ------
    ValueError
        There is none.
    """
    found = _among(Record.__subclasses__(), name)
    if found is None:
        for module in pkgutil.iter_modules(records.__path__):
            import_module(f"{records.__name__}.{module.name}")
        found = _among(Record.__subclasses__(), name)
    if found is None:
        raise ValueError(f"there is no record '{name}'")
    return found


def image_reader(images: list[dict[str, Any]], memory: mmap.mmap | None) -> GetImage:
    """Return what makes the image of a number; the voxels are copied out of the shared memory."""

    def get_image(number: int) -> sitk.Image:
        header = images[number]
        if memory is None:
            raise ValueError("the images did not come along")
        voxels = read_array(header, memory)
        image = sitk.GetImageFromArray(voxels, isVector=header.get("vector", voxels.ndim == 4))
        image.SetSpacing(header["spacing"])
        image.SetOrigin(header["origin"])
        image.SetDirection(header["direction"])
        return image

    return get_image


def fetcher(get_image: GetImage) -> Fetch:
    """Return how `Record.from_json` gets at images and transforms, which stand in the JSON as dicts with a key."""

    def fetch(form: Any) -> Any:
        if form is None:
            return None
        if TRANSFORM_KEY in form:
            return transform_from_json(form, get_image)
        return get_image(form[IMAGE_KEY])

    return fetch


def _among(classes: Iterable[type[Record]], name: str) -> type[Record] | None:
    for entry in classes:
        found = entry if entry.__name__ == name else _among(entry.__subclasses__(), name)
        if found is not None:
            return found
    return None
