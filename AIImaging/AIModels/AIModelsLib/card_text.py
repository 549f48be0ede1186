"""A model card as a person reads it."""

from html import escape

from slicer.i18n import tr as _

TASKS = {
    "segment": _("Outline"),
    "detect": _("Find"),
    "rescore": _("Tell real from false"),
    "outline": _("Outline one"),
    "refine": _("Correct"),
    "classify": _("Classify"),
    "register": _("Align"),
}
MODALITIES = {
    "CT": _("CT"),
    "MR": _("MR"),
    "DX": _("Radiograph (DX)"),
    "MG": _("Mammography (MG)"),
    "SM": _("Microscopy (SM)"),
    "ES": _("Endoscopy (ES)"),
}
# More labels than this are counted.
_MOST_LABELS = 12


def task_name(card):
    """Return what the model does, in a few words."""
    return TASKS.get(card.task, card.task)


def modality_name(card):
    """Return the modality that the model expects."""
    return card.modality or _("any")


def licence_name(card):
    """Return the licence as a list shows it."""
    return card.licence.replace("LicenseRef-", "")


def state_text(listed):
    """Return where a model (a ListedModel) stands, in a few words."""
    from AIImagingLogic.models.run_state import BUILT_IN, NOT_YET
    from AIImagingLogic.models.store.disk_space import size_text

    if listed.card.runs == BUILT_IN:
        return _("Built in")
    if listed.damaged:
        return _("Damaged")
    if listed.card.runs == NOT_YET:
        return _("Cannot run yet") if listed.size is None else _("Installed, cannot run yet")
    if listed.size is not None:
        # A line is never broken between number and unit.
        return _("Installed, {size}").format(size=size_text(listed.size).replace(" ", "\u00a0"))
    return _("Other version installed") if listed.other_version else _("Not installed")


def size_and_source(card):
    """Return how much a download of the model is, and from which hosts, such as ``102 kB from github.com``."""
    from urllib.parse import urlsplit

    from AIImagingLogic.models.store.disk_space import size_text

    size = card.download_size
    hosts = sorted({urlsplit(item.url).hostname or "" for item in card.downloads})
    words = size_text(size) if size is not None else _("A size that is not published")
    return _("{size} from {hosts}").format(size=words, hosts=", ".join(hosts))


def card_html(card, state):
    """Return the card as rich text: what it is for comes first, then what it must not be used for."""
    parts = [
        f"<h3>{escape(card.name)}</h3>",
        f"<p>{escape(card.intended_use)}</p>",
        _section(_("Limits"), _bullets(card.limits)),
        _section(_("Needs"), _bullets(_inputs(card))),
        _section(_("Gives"), _labels(card)),
        _section(_("Tested on"), f"<p>{escape(card.tested_on)}</p>"),
        _section(_("Made with"), f"<p>{escape(card.training_data)}</p>"),
        _section(_("Figures of its makers, not repeated here"), _bullets(_figures(card))),
        _section(_("Licence"), f"<p>{escape(card.licence)} {_link(card.licence_url)}</p>"),
        _section(_("Files"), _files(card)),
        _section(_("References"), _bullets(card.references)),
    ]
    identity = _("Model {id}, version {version}: {state}").format(id=card.id, version=card.version, state=state)
    return "".join(parts) + f"<p><i>{escape(identity)}</i></p>"


def _inputs(card):
    if len(card.sequences) != len(card.inputs):
        return card.inputs
    return [f"{name} ({sequence})" if sequence else name for name, sequence in zip(card.inputs, card.sequences)]


def _labels(card):
    names = [label.name for label in card.labels if label.name.lower() != "background"]
    if not names:
        return ""
    shown = ", ".join(names[:_MOST_LABELS])
    if len(names) > _MOST_LABELS:
        shown = _("{names} and {count} more").format(names=shown, count=len(names) - _MOST_LABELS)
    return f"<p>{escape(shown)}</p>"


def _figures(card):
    return [f"{figure.name} {figure.value:g}: {figure.data} ({figure.source})" for figure in card.published]


def _files(card):
    lines = [escape(size_and_source(card))] if card.downloads else []
    lines += [_link(card.homepage)] if card.homepage else []
    return "".join(f"<p>{line}</p>" for line in lines)


def _link(address):
    """Return a link to a web address; anything else stays text."""
    if not address.startswith("https://"):
        return escape(address)
    return f'<a href="{escape(address, quote=True)}">{escape(address)}</a>'


def _section(title, content):
    return f"<h4>{escape(title)}</h4>{content}" if content else ""


def _bullets(lines):
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
