"""What is refused of the volumes for a model before anything is copied."""

from typing import Any


def checkVolumes(card: Any, volumes: list[Any]) -> None:
    """Check the volumes for the inputs of a model.

    Parameters
    ----------
    card : ModelCard
        Of the model.
    volumes : vtkMRMLScalarVolumeNode or None
        In the order of the card's inputs.

    Raises
    ------
    SceneError
        One is missing or unusable, or they stand under different transforms or in different scenes.
    WrongImageError
        One is chosen for two inputs.
    ModelError
        There are more or fewer than the model takes.
    """
    from AIImagingLogic.records.errors import ModelError, SceneError, WrongImageError
    from AIImagingLogic.scene.job_inputs import require_volume

    names = card.inputs
    several = len(names) > 1
    require_volume(volumes[0], _role(names[0]) if several else "volume")
    if len(volumes) != len(names):
        raise ModelError(
            f"{card.name} needs {_counted(len(names))}, and {len(volumes)} were given.",
            f"In this order: {', '.join(names)}.",
        )
    seen: dict[str, str] = {}
    for volume, name in zip(volumes, names):
        require_volume(volume, _role(name) if several else "volume")
        if volume.GetScene() is not volumes[0].GetScene():
            raise SceneError(f"'{volume.GetName()}' is in another scene than '{volumes[0].GetName()}'.")
        if volume.GetID() in seen:
            raise WrongImageError(
                f"'{volume.GetName()}' is chosen for both '{seen[volume.GetID()]}' and '{name}'.",
                "Choose another volume for one of them.",
            )
        seen[volume.GetID()] = name
        if volume.GetParentTransformNode() is not volumes[0].GetParentTransformNode():
            raise SceneError(
                f"'{volume.GetName()}' ({name}) stands under another transform than '{volumes[0].GetName()}' "
                f"({names[0]}).",
                "Put both under the same transform, or harden their transforms (Data module).",
            )


def _role(name: str) -> str:
    return f"volume for '{name}'"


def _counted(number: int) -> str:
    return f"{number} volumes" if number > 1 else "1 volume"
