"""The report as one HTML page that works offline."""

from html import escape
from string import Template

from realage.drift.findings import Finding
from realage.drift.report import DriftReport

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drift of photos</title>
<style>
:root { color-scheme: light dark; --text: #1d2733; --ground: #faf9f6; --line: #d5d7db; --bad: #b3261e; --new: #c25b00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --ground: #14181d; --line: #39424d; --bad: #ff8a80; --new: #f0a35c; }
}
body { margin: 0 auto; padding: 1.25rem; max-width: 60rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
.table { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .4rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, td:last-child { text-align: left; }
.drift td { color: var(--bad); font-weight: bold; }
svg { display: block; width: 10rem; height: 2.5rem; }
.training { fill: var(--line); } .new { fill: none; stroke: var(--new); stroke-width: 1.5; }
</style>
<h1>Are these photos like the training photos?</h1>
<p><strong>$verdict.</strong></p>
<p>$photos photos, $unusable without an age. $reasons</p>
<div class="table"><table>
<tr><th>measure</th><th>training</th><th>here</th><th>index</th><th>p</th><th>shares</th><th>change</th></tr>
$rows
</table></div>
<p>Training and here: medians, or the share of photos with a face. Index: population stability index, 0 for no change.
p: probability of so large a difference between photos of one kind. It is drift if the index is 0.1 or more, and p at
most 1% divided by the number of measures. Shares: photos in each part of the range, training as filled bars, here as
lines.</p>
<p>Model $fingerprint, data $data.</p>
</html>
""")


def to_html(report: DriftReport) -> str:
    """The page; it loads nothing."""
    reasons = ", ".join(f"{count:,} {name}" for name, count in report.reasons.items())
    return PAGE.substitute(
        verdict=escape(report.verdict[0].upper() + report.verdict[1:]),
        photos=f"{report.photos:,}",
        unusable=f"{report.unusable:,}",
        reasons=escape(f"Unlike the training photos: {reasons}." if reasons else "None is unlike the training photos."),
        rows="\n".join(map(_row, report.findings)),
        fingerprint=report.fingerprint[:16],
        data=escape(report.data_version or "unknown"),
    )


def _row(finding: Finding) -> str:
    kind = ' class="drift"' if finding.drift else ""
    cells = [finding.measure, f"{finding.training:.4g}", f"{finding.new:.4g}", f"{finding.psi:.3f}", f"{finding.p:.4f}"]
    shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr{kind}>{shown}<td>{_bars(finding)}</td><td>{escape(finding.change or 'none')}</td></tr>"


def _bars(finding: Finding) -> str:
    parts, highest = len(finding.new_shares), max(*finding.training_shares, *finding.new_shares)
    width = 100 / parts
    drawn = []
    for kind, shares in (("training", finding.training_shares), ("new", finding.new_shares)):
        for place, share in enumerate(shares):
            height = 24 * share / highest
            drawn.append(f'<rect class="{kind}" x="{place * width:.1f}" y="{25 - height:.1f}" width="{width - 1:.1f}" '
                         f'height="{height:.1f}"/>')
    return f'<svg viewBox="0 0 100 26" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}</svg>'
