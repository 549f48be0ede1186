"""What the user is asked before something is fetched, deleted or trusted."""

import slicer
from slicer.i18n import tr as _

from AIModelsLib.card_text import size_and_source


def agrees_to_download(card, folder, licenceAccepted, title):
    """Ask whether the model of `card` may be fetched, with its licence; return the answer."""
    lines = [_("{name}: {what} will be downloaded into {folder}.")]
    if card.runs == "not yet":
        lines.append(_("This version of AI Imaging cannot run it yet; it can only be kept."))
    if licenceAccepted:
        lines.append(_("Its licence, {licence}, was accepted before. Download it?"))
    else:
        lines.append(_("It is under the licence {licence}: {address}"))
        lines.append(_("Have you read this licence and do you accept it?"))
    text = "\n\n".join(lines).format(
        name=card.name,
        what=size_and_source(card),
        folder=folder,
        licence=card.licence,
        address=card.licence_url or card.homepage or _("its text has no public address"),
    )
    return slicer.util.confirmYesNoDisplay(text, windowTitle=title)


def agrees_to_licences(models, title):
    """Ask for the licences of the models of a pack (dicts of `pack_content`); return the answer."""
    if not models:
        return True
    lines = [f"{model['name']}: {model['licence']} {model['licence_url']}".strip() for model in models]
    text = _("The pack holds models under these licences:\n\n{lines}\n\nHave you read them and do you accept them?")
    return slicer.util.confirmYesNoDisplay(text.format(lines="\n".join(lines)), windowTitle=title)


def agrees_to_removal(name, title):
    """Ask whether an installed model may be deleted; return the answer."""
    text = _("Delete '{name}' from this computer? It can be downloaded or imported again.")
    return slicer.util.confirmOkCancelDisplay(text.format(name=name), windowTitle=title)


def agrees_to_trust(name, untrusted, title):
    """Ask whether a package may run code of its own; return the answer.

    Parameters
    ----------
    untrusted : dict
        ``what`` it needs and its ``hash``, as `store_work.verify` answers.
    """
    text = _(
        "'{name}' needs code of its own to run:\n\n{what}\n\nSuch code can do all that you can do on this computer: "
        "read files, change them, send them away. Trust it only when it comes from people you know.\n\n"
        "Trust holds for exactly this package, SHA-256\n{hash}\nand ends when one byte of it changes. Trust it?"
    )
    words = text.format(name=name, what=untrusted["what"], hash=untrusted["hash"])
    return slicer.util.confirmYesNoDisplay(words, windowTitle=title)
