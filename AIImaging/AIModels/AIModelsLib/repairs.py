"""Repairs of the environment, each after the user was asked: packages by slicer.packaging, torch by its extension."""

import contextlib
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import slicer
from slicer.i18n import tr as _

_TITLE = "AI Imaging"


def repair(finding):
    """Do what `finding.repair` says, after the user agreed; return one sentence on what became of it.

    Raises
    ------
    AIImagingError
        It failed; the environment may be changed in part.
    """
    from AIImagingLogic.inference.environment_report import Repair

    doers = {
        Repair.INSTALL: _install,
        Repair.REINSTALL: _reinstall,
        Repair.INSTALL_TORCH: _installTorch,
        Repair.REINSTALL_TORCH: _reinstallTorch,
        Repair.REMOVE_LEFTOVERS: _removeLeftovers,
    }
    return doers[finding.repair](list(finding.targets))


def _install(requirements):
    question = _("{packages} will be downloaded and installed into Slicer's Python.")
    if not _agreed(question.format(packages=", ".join(requirements))):
        return _("Nothing was installed.")
    with _constraints() as constraints, _installation():
        slicer.packaging.pip_ensure(requirements, constraints=constraints, prompt_install=False, requester=_TITLE)
    if slicer.app.testingEnabled():
        return _("Nothing was installed: Slicer is in testing mode.")
    return _("{packages} installed.").format(packages=", ".join(requirements))


def _reinstall(requirements):
    question = _("{packages} will be downloaded and installed again over what is there. Other packages stay.")
    if not _agreed(question.format(packages=", ".join(requirements))):
        return _("Nothing was installed.")
    if slicer.app.testingEnabled():
        return _("Nothing was installed: Slicer is in testing mode.")
    # A half-installed package counts as installed: pip_ensure would do nothing.
    with _constraints() as constraints, _installation():
        slicer.packaging.pip_install(
            ["--force-reinstall", "--no-deps", *requirements], constraints=constraints, requester=_TITLE
        )
    return _("{packages} installed again. Restart Slicer before you use it.").format(packages=", ".join(requirements))


def _installTorch(requirements):
    logic = _pyTorchLogic()
    if logic is None:
        return _offerExtension()
    with _installation():
        # Asks the user itself.
        torch = logic.installTorch(askConfirmation=True, torchVersionRequirement=_torchRange())
    return (
        _("Nothing was installed.")
        if torch is None
        else _("torch {version} installed.").format(version=torch.__version__)
    )


def _reinstallTorch(requirements):
    from AIImagingLogic.records.errors import AIImagingError

    logic = _pyTorchLogic()
    if logic is None:
        return _offerExtension()
    if "torch" in sys.modules:
        raise AIImagingError(
            _("torch is in use by this Slicer, so its files cannot be replaced."), _("Restart Slicer and repair then.")
        )
    if not _agreed(_("torch and torchvision will be removed and downloaded again. This takes some minutes.")):
        return _("Nothing was changed.")
    with _installation():
        logic.uninstallTorch()
        torch = logic.installTorch(askConfirmation=False, torchVersionRequirement=_torchRange())
    return _("torch {version} installed again.").format(version=torch.__version__)


def _removeLeftovers(names):
    from AIImagingLogic.inference.environment_leftovers import remove_leftovers
    from AIImagingLogic.records.errors import AIImagingError

    question = _("These leftovers will be deleted from Slicer's Python: {names}.")
    if not _agreed(question.format(names=", ".join(names))):
        return _("Nothing was deleted.")
    kept = remove_leftovers(names)
    if kept:
        raise AIImagingError(
            _("These could not be deleted: {names}.").format(names=", ".join(kept)),
            _("Restart Slicer and try again before anything else is loaded."),
        )
    return _("Leftovers deleted.")


def _agreed(question):
    return slicer.util.confirmOkCancelDisplay(f"{question}\n\n{_('Continue?')}", windowTitle=_TITLE)


@contextlib.contextmanager
def _installation():
    """Turn what an installation raises into one line that says what to do."""
    from AIImagingLogic.records.errors import AIImagingError

    try:
        yield
    except subprocess.CalledProcessError as error:
        raise AIImagingError(
            _("The installation ended with an error (pip: {code}) and may be done in part.").format(
                code=error.returncode
            ),
            _("Is the network there, and the disk not full? Look at what the check says now; the log has pip's words."),
        ) from error
    # What slicer.packaging raises when it cannot begin, and what a new package raises when it is loaded.
    except (RuntimeError, ImportError, OSError) as error:
        raise AIImagingError(
            _("The installation failed: {why}.").format(why=str(error).rstrip(".")),
            _("Restart Slicer and check again."),
        ) from error


@contextlib.contextmanager
def _constraints():
    """Give pip a file that keeps it from replacing what Slicer brings, or torch, by something older."""
    from AIImagingLogic.inference.environment_installation import protected_packages

    lines = []
    for name in protected_packages():
        with contextlib.suppress(metadata.PackageNotFoundError):
            # A local part, as in 2.9.0+cpu, is not allowed here.
            lines.append(f"{name}>={metadata.version(name).partition('+')[0]}\n")
    with tempfile.TemporaryDirectory(prefix="aiimaging-") as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("".join(lines), encoding="utf-8")
        yield path


def _torchRange():
    from AIImagingLogic.inference.environment_installation import purposes

    packages = [package for purpose in purposes() for package in purpose.packages if package.name == "torch"]
    return packages[0].requirement[len("torch") :]


def _pyTorchLogic():
    """Return the logic of the PyTorch extension, None when it is not installed."""
    if slicer.app.moduleManager().module("PyTorchUtils") is None:
        return None
    import PyTorchUtils

    return PyTorchUtils.PyTorchUtilsLogic()


def _offerExtension():
    question = _(
        "torch is installed by the extension 'PyTorch', which is not there. Open the Extensions Manager to install it?"
    )
    if slicer.util.confirmYesNoDisplay(question, windowTitle=_TITLE):
        slicer.app.openExtensionsManagerDialog()
    return _("Install the extension 'PyTorch' in the Extensions Manager, restart Slicer, and check again.")
