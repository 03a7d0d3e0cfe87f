"""The runbook's dashboards. Flows in: key metrics. Flows out: one console template a page, which Prometheus
itself renders and serves; it needs no other server, and a browser no network but Prometheus.

Each panel shows what its query gives now, rendered by Prometheus, and its last fifteen minutes, drawn by the
page's own script from Prometheus' query_range.
"""

from __future__ import annotations

import json
from html import escape

from drill.monitoring.key_metrics import KeyMetric

SECONDS, WIDTH, HEIGHT = 900, 600, 120
"""Of a curve: how far back it goes, and its picture."""
SCRIPT = (
    f"const SECONDS = {SECONDS}, WIDTH = {WIDTH}, HEIGHT = {HEIGHT};"
    """
const COLOURS = ["#1f6feb", "#b35900", "#1a7f37", "#8250df", "#cf222e", "#57606a", "#9a6700", "#0550ae"];
const STEP = 5;
// where a sample is missing, nothing is drawn
function unbroken(points) {
  return points.reduce((runs, point, index) => {
    if (index === 0 || point[0] - points[index - 1][0] > 1.5 * STEP) runs.push([]);
    runs.at(-1).push(point);
    return runs;
  }, []);
}
async function draw(panel) {
  const end = Date.now() / 1000;
  const asked = new URLSearchParams({query: panel.dataset.query, start: end - SECONDS, end, step: STEP});
  const answer = await (await fetch("/api/v1/query_range?" + asked)).json();
  const series = answer.data.result.map(each => each.values.map(([at, value]) => [at, Number(value)])
    .filter(([, value]) => Number.isFinite(value))).filter(each => each.length);
  const highest = Math.max(...series.flat().map(([, value]) => value), 0) || 1;
  const svg = panel.querySelector("svg");
  svg.replaceChildren(...series.flatMap((each, number) => unbroken(each).map(run => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const across = at => ((at - end + SECONDS) / SECONDS * WIDTH).toFixed(1);
    const down = value => (HEIGHT - value / highest * (HEIGHT - 4)).toFixed(1);
    line.setAttribute("points", run.map(([at, value]) => across(at) + "," + down(value)).join(" "));
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", COLOURS[number % COLOURS.length]);
    line.setAttribute("stroke-width", "1.5");
    line.dataset.series = number;
    return line;
  })));
  const scale = series.length ? "15 minutes; 0 to " + highest.toPrecision(4) : "no data";
  panel.querySelector(".scale").textContent = scale;
  panel.dataset.points = series.flat().length;
}
function drawAll() { document.querySelectorAll("section[data-query]").forEach(panel => draw(panel)); }
drawAll();
setInterval(drawAll, 5000);
"""
)
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #1f2328; background: #fff; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1rem; }
section { border: 1px solid #d0d7de; border-radius: 6px; padding: .75rem; }
h2 { font-size: 1rem; margin: 0; } p { margin: .1rem 0; color: #57606a; } svg { width: 100%; height: 120px; }
table { border-collapse: collapse; } td { padding: 0 1rem 0 0; } .missing { color: #cf222e; }
"""


def page_of(page: str, title: str, metrics: list[KeyMetric]) -> str:
    """The console template of one page, whose panels are these metrics."""
    panels = "".join(_panel(metric) for metric in metrics)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(page)}</title>'
        '<link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>{_text(title)}</h1><main>{panels}</main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def pages(dashboards: dict[str, str], metrics: list[KeyMetric]) -> dict[str, str]:
    """The file of every page, by its name."""
    return {
        f"{page}.html": page_of(page, title, [metric for metric in metrics if metric.page == page])
        for page, title in dashboards.items()
    }


def _panel(metric: KeyMetric) -> str:
    head = f"<h2>{_text(metric.name)}</h2><p>{_text(metric.meaning)}</p>"
    if metric.missing:
        return f'<section>{head}<p class="missing">missing: {_text(metric.missing)}</p></section>'
    query = json.dumps(metric.query)  # a string of Go as well
    rows = (
        f'{{{{ range query {query} | sortByLabel "pod" }}}}'
        "<tr><td>{{ range $name, $value := .Labels }}{{ $value }} {{ end }}</td>"
        '<td class="value">{{ .Value | humanize }}</td></tr>{{ else }}<tr><td>no data</td></tr>{{ end }}'
    )
    return (
        f'<section data-query="{_text(metric.query)}">{head}<table>{rows}</table>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"></svg>'
        '<p class="scale"></p></section>'
    )


def _text(text: str) -> str:
    """As HTML, and nothing that the template would take for its own."""
    return escape(text).replace("{", "&#123;").replace("}", "&#125;")
