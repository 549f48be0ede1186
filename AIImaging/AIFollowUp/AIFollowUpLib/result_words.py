"""The words that the panel shows of a result: guidelines with their reason, a lesion in detail, notes."""

from html import escape

from slicer.i18n import tr as _


def guidelineWords(result):
    """Return rich text: the answer of each guideline, what it recommends, why, and what was not known."""
    return "".join(_assessmentWords(assessment) for assessment in result.assessments)


def lesionWords(lesion, titles):
    """Return rich text: one lesion with its sizes at the visits compared, its change, and why it was linked.

    `titles` are those of all visits; of more than two, the course through all of them is told too.
    """
    words = lesion.words
    parts = [_("<b>Lesion {number}</b>").format(number=lesion.number)]
    parts += [escape(text) for text in (words["kind"], words["place"]) if text]
    lines = [" · ".join(parts)]
    for index, visit in zip(lesion.pair, lesion.compared, strict=True):
        title = titles[index].split(",")[0]
        sizes = [visit[name] for name in ("mean_diameter", "axes", "volume") if visit[name]]
        if visit["volume_interval"]:
            sizes[-1] += f" ({visit['volume_interval']})"
        if visit["solid_part"]:
            sizes.append(_("solid part {size}").format(size=visit["solid_part"]))
        lines.append(f"{title}: {escape(visit['absent'] or ' · '.join(sizes))}")
    if len(titles) > len(lesion.pair):
        lines.append(_("Mean diameters: {course}").format(course=escape(_course(words["visits"]))))
    change = [words["diameter_change"], _withInterval(words, "volume_change"), _withInterval(words, "doubling")]
    change = [text for text in change if text]
    if change:
        error = _(" – within the measurement error") if words["within_error"] else ""
        lines.append(_("Change: {change}").format(change=escape(" · ".join(change) + error)))
    lines += [escape(text) for text in lesion.signal.get("words", ())]
    lines += [escape(text) for text in (words["growth_reason"], words["reason"]) if text]
    return "<br>".join(lines)


def noteWords(result):
    """Return rich text: the notes and warnings of a result, empty when there are none."""
    sentences = (*result.notes, *result.remarks)
    if not sentences:
        return ""
    return "<br>".join([_("<b>Please note</b>"), *(f"• {escape(sentence)}" for sentence in sentences)])


def _course(visits):
    sizes = [visit["mean_diameter"].removesuffix(" mm") or "–" for visit in visits]
    return " → ".join(sizes) + " mm"


def _withInterval(words, name):
    interval = words[f"{name}_interval"]
    return f"{words[name]} ({interval})" if words[name] and interval else words[name]


def _assessmentWords(assessment):
    answer = f"<b>{escape(assessment['rules'])}: {escape(assessment['category'])}</b>"
    if assessment["next_step"] != assessment["category"]:
        answer += f" – {escape(assessment['next_step'])}"
    lines = [answer, escape(assessment["reason"])]
    if assessment["missing"]:
        lines.append(_("Not known: {facts}").format(facts=escape("; ".join(assessment["missing"]))))
    return f"<p style='margin:0 0 6px 0'>{'<br>'.join(lines)}</p>"
