"""A model card as a person reads it."""

from html import escape

from slicer.i18n import tr as _

TASKS = {
    "segment": _("Outline organs"),
    "detect": _("Find lesions"),
    "outline": _("Outline a lesion"),
    "classify": _("Classify"),
    "register": _("Align scans"),
}


def task_name(card):
    """Return what the model does, in a few words."""
    return TASKS.get(card.task, card.task)


def modality_name(card):
    """Return the modality that the model expects."""
    return card.modality or _("any")


def card_html(card):
    """Return the card as rich text: what it is for comes first, then what it must not be used for."""
    parts = [
        f"<h3>{escape(card.name)}</h3>",
        f"<p>{escape(card.intended_use)}</p>",
        _section(_("Limits"), _bullets(card.limits)),
        _section(_("Needs"), _bullets(card.inputs)),
        _section(_("Tested on"), f"<p>{escape(card.tested_on)}</p>"),
        _section(_("Made with"), f"<p>{escape(card.training_data)}</p>"),
        _section(_("References"), _bullets(card.references)),
    ]
    identity = _("Model {id}, version {version}, licence {licence}").format(
        id=card.id, version=card.version, licence=card.licence
    )
    return "".join(parts) + f"<p><i>{escape(identity)}</i></p>"


def _section(title, content):
    return f"<h4>{escape(title)}</h4>{content}" if content else ""


def _bullets(lines):
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
