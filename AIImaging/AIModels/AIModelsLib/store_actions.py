"""What can be done with models on this computer, each as a run in a process of its own."""

from slicer.i18n import tr as _

from AIModelsLib.plain_run import PlainRun
from AIModelsLib.store_service import store_service

_WORK = "AIImagingLogic.models.store_work"


class StoreActions:
    """Starts runs on the model store. Only `download` uses the network.

    Each method returns a `PlainRun`: see its `on_finish`, `result`, `error`, `cancel` and `wait`.
    """

    def download(self, card, licenceAccepted=False):
        """Fetch the model of `card` (a ModelCard); `licenceAccepted` when the user has accepted its licence now."""
        title = _("Download of {name}").format(name=card.name)
        return _run("get", title, card=card.to_json(), licence_accepted=licenceAccepted)

    def importPath(self, path, card):
        """Copy a folder, zip archive or file into the store as the model of `card`."""
        return _run("take_in", _("Import of {name}").format(name=card.name), path=str(path), card=card.to_json())

    def verify(self, card):
        """Compare the files of an installed model with their hashes, and try to open it."""
        return _run("verify", _("Verification of {name}").format(name=card.name), model_id=card.id)

    def remove(self, card):
        """Delete an installed model."""
        return _run("remove", _("Removal of {name}").format(name=card.name), model_id=card.id)

    def removeUnfinished(self):
        """Delete what came of broken downloads."""
        return _run("remove_unfinished", _("Removal of broken downloads"))

    def exportPack(self, cards, path):
        """Write installed models into one file for a computer without a network."""
        return _run("export_pack", _("Export of a pack"), model_ids=[card.id for card in cards], path=str(path))

    def packContent(self, path):
        """Read which models a pack holds, and their licences."""
        return _run("pack_content", _("Reading of a pack"), path=str(path))

    def importPack(self, path, accepted):
        """Take in the models of a pack; `accepted` are the ids of those whose licence the user accepted."""
        return _run("import_pack", _("Import of a pack"), path=str(path), accepted=list(accepted))


def _run(function, title, **arguments):
    from AIImagingLogic.jobs.job import Job

    service = store_service()
    run = PlainRun(service.service, Job(title, f"{_WORK}:{function}", arguments))
    service.follow(run)
    return run
