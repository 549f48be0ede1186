"""What a lesion shows beside its size at the two visits compared: uptake on PET, diffusion on ADC maps."""

from typing import Any

_OF_TABLE = ("suv_max", "adc_mean")
_OF_WORDS = (
    *("suv_max", "suv_peak", "sul_peak", "metabolic_volume", "total_lesion_glycolysis"),
    *("adc_mean", "adc_percentile_10", "adc_median"),
)


def signal_of(lesion: Any, timeline: Any, pair: tuple) -> dict:
    """Return what is measured of a lesion's signal at two visits, as JSON data.

    Returns
    -------
    dict
        ``label`` of what the table shows, ``before``, ``after`` (text, empty where not seen), ``percent`` (None where
        not known) and ``words``: a sentence a measurement. Empty when nothing is measured.
    """
    findings = [timeline.visits[index].finding(lesion.observations[index]) for index in pair]
    words = [text for name in _OF_WORDS if (text := _words(lesion, findings, name))]
    shown = next((name for name in _OF_TABLE if any(found and found.value(name) is not None for found in findings)), "")
    if not shown:
        return {}
    from AIImagingLogic.records.measurement import measurement_entry

    before, after = (_value(found, shown) for found in findings)
    change = lesion.change(shown)
    percent = change.percent if change else None
    return {
        "label": measurement_entry(shown)["label"],
        "before": before,
        "after": after,
        "percent": percent,
        "words": words,
    }


def _words(lesion: Any, findings: list, name: str) -> str:
    from AIImagingLogic.records.measurement import measurement_entry
    from AIImagingLogic.report.number_format import percent_change, percent_interval, unit_label

    before, after = (_value(found, name) for found in findings)
    if not before and not after:
        return ""
    entry = measurement_entry(name)
    text = f"{entry['label']}: {before or '–'} → {after or '–'} {unit_label(entry['unit'])}".rstrip()
    change = lesion.change(name)
    if change is None or change.percent is None:
        return text
    interval = percent_interval(change.interval_95_percent)
    text += f" ({percent_change(change.percent)}{', ' + interval if interval else ''})"
    return text + (", within the measurement error" if change.beyond_error is False else "")


def _value(finding: Any, name: str) -> str:
    from AIImagingLogic.records.measurement import measurement_entry
    from AIImagingLogic.report.number_format import rounded

    value = None if finding is None else finding.value(name)
    return "" if value is None else rounded(value, min(measurement_entry(name)["digits"], 1))
