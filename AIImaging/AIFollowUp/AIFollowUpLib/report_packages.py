"""The packages that the report needs: asked for when files are wanted, on the user's click, never at import."""


def ensure_report_packages(requirements):
    """Let Slicer install what is missing of a requirements file, with the user's consent.

    Raises
    ------
    OutputError
        They were not installed.
    """
    import subprocess

    import slicer.packaging
    from slicer.i18n import tr as _

    from AIImagingLogic.records.errors import OutputError

    wanted = slicer.packaging.load_requirements(requirements)
    try:
        slicer.packaging.pip_ensure(wanted, requester=_("AI Follow-up (report)"))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        raise OutputError(
            _("The packages that the report needs were not installed."),
            _("Allow their installation, or leave the output folder empty."),
        ) from error
