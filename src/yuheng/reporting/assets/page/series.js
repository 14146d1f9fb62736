// Measures over time or arrivals: a plot a policy, or one for all.
function statisticsOf({ runs, axis }) {
  const kept = new Map();
  const made = (policy, measure) => {
    const columns = runs.filter((run) => run.policy === policy).map((run) => run.columns[measure]);
    const over = (join) =>
      axis.x.map((_, place) => {
        const values = columns.map((column) => column[place]).filter((value) => value !== null);
        return values.length ? join(values) : null;
      });
    return {
      columns,
      mean: over((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
      low: over((values) => Math.min(...values)),
      high: over((values) => Math.max(...values)),
    };
  };
  return (policy, measure) => {
    const key = `${policy} ${measure}`;
    if (!kept.has(key)) kept.set(key, made(policy, measure));
    return kept.get(key);
  };
}

// The lines of a policy: bands are two lines upon one another, the lower unseen.
function linesOf(found, x, kind, { color, dash, width }) {
  const line = (values, style, more = {}) => ({
    type: "line",
    data: values.map((value, place) => [x[place], value]),
    showSymbol: x.length === 1,
    symbolSize: 5,
    silent: true,
    lineStyle: { color, ...style },
    itemStyle: { color },
    ...more,
  });
  if (kind === "each") return found.columns.map((values) => line(values, { width: 1, opacity: 0.55 }));
  const lines = [line(found.mean, { width, type: dash }, { z: 3 })];
  if (kind === "range" && found.columns.length > 1) {
    const band = found.low.map((low, place) => (low === null ? null : found.high[place] - low));
    const stack = { stack: `band ${color} ${dash}`, stackStrategy: "all", symbol: "none" };
    lines.push(line(found.low, { opacity: 0 }, stack));
    lines.push(line(band, { opacity: 0 }, { ...stack, areaStyle: { color, opacity: 0.2 } }));
  }
  return lines;
}

// The drawing inside the zoom bar would take what is missing for 0.
function withoutGaps(line) {
  return { ...line, data: line.data.filter(([, value]) => value !== null) };
}

function figureOf(entries, toggled) {
  const parts = entries.map(({ name, place }) => {
    const said = element("span", { class: "readout" });
    const label = [strokeOf(place), element("span", { class: "name" }, name)];
    const head = toggled
      ? element("button", { type: "button", class: "entry", "aria-pressed": "true" }, ...label)
      : element("strong", { class: "entry" }, ...label);
    if (toggled) head.addEventListener("click", () => toggled(place, head));
    return { place, said, item: element("li", {}, head, said) };
  });
  const holder = element("div", { class: "plot", tabindex: "0", role: "img" });
  const list = element("ul", { class: "entries" }, ...parts.map(({ item }) => item));
  return { parts, holder, figure: element("figure", {}, element("figcaption", {}, list), holder) };
}

function seriesSection(data) {
  const form = byId("series-form");
  const { x, unit: xUnit } = data.axis;
  const statistics = statisticsOf(data);
  const policies = data.policies.map((name, place) => ({ name, place }));
  const hidden = new Set();
  let figures = [];
  let span = { start: 0, end: 100 };
  let at = null;

  const chosen = () => ({
    measure: Number(form.elements.measure.value),
    view: form.elements.view.value,
    seeds: form.elements.seeds.value,
  });
  const [min, max] = x.length > 1 ? [x[0], x.at(-1)] : [x[0] - 1, x[0] + 1];
  const edges = () => [span.start, span.end].map((part) => min + ((max - min) * part) / 100);

  // The extent of what is in view, over all policies, so that plots can be compared.
  const rangeOf = (measure, seeds) => {
    const [from, to] = edges();
    let [low, high] = [Infinity, -Infinity];
    for (const { place } of policies) {
      const found = statistics(place, measure);
      const [lower, upper] = seeds === "mean" ? [found.mean, found.mean] : [found.low, found.high];
      x.forEach((value, index) => {
        if (value < from || value > to || lower[index] === null) return;
        low = Math.min(low, lower[index]);
        high = Math.max(high, upper[index]);
      });
    }
    return low > high ? { min: 0, max: 1, numbers: [0, 1] } : roundRange(low, high, 4, data.measures[measure].unit);
  };

  const say = () => {
    const { measure, seeds } = chosen();
    const { unit } = data.measures[measure];
    for (const { parts } of figures) {
      for (const { place, said } of parts) {
        const found = statistics(place, measure);
        const last = found.mean.findLastIndex((value) => value !== null);
        const index = at ?? last;
        const value = found.mean[index] ?? null;
        const ends = value === null ? [] : [found.low[index], found.high[index]].map((end) => valueText(unit, end));
        const range = seeds !== "mean" && ends[0] !== ends[1] ? ` (${ends.join(" to ")})` : "";
        const where = xUnit === "s" ? clockText(x[index] ?? 0) : valueText(xUnit, x[index] ?? 0).replace(".00", "");
        if (last < 0) said.textContent = "no run has it";
        else said.textContent = value === null ? `ended before ${where}` : `${valueText(unit, value)}${range} at ${where}`;
      }
    }
  };
  const sayLater = soon(say);

  const draw = () => {
    const { measure, seeds } = chosen();
    const { unit, label } = data.measures[measure];
    const colours = chartColours();
    const range = { ...rangeOf(measure, seeds), unit };
    const left = labelRoom(unit, range.numbers);
    const [from, to] = edges();
    const all = linked.charts();
    figures.forEach(({ holder, parts }, index) => {
      const most = Math.max(2, Math.floor((holder.clientWidth - left) / 75));
      const shown = parts.filter(({ place }) => !hidden.has(place));
      const style = (place) => ({
        color: colours.series[place % 10],
        dash: parts.length > 1 ? DASHES[place % 10] : "solid",
        width: 2,
      });
      const names = shown.map(({ place }) => data.policies[place]).join(", ");
      holder.setAttribute("aria-label", visible(`${label}: ${names}`));
      all[index].setOption(
        {
          ...frameOption({ colours, x: { min, max, from, to, most, unit: xUnit }, y: range, left, bottom: 26 }),
          dataZoom: [insideZoom(span)],
          series: shown.flatMap(({ place }) => linesOf(statistics(place, measure), x, seeds, style(place))),
        },
        true,
      );
    });
    all.at(-1).setOption(
      {
        animation: false,
        grid: { left, right: 18, top: 0, height: 1, outerBoundsMode: "none" },
        xAxis: { type: "value", min, max, show: false },
        yAxis: { type: "value", show: false },
        dataZoom: [sliderZoom(span, colours, left)],
        series: linesOf(statistics(0, measure), x, "mean", { width: 0 }).map(withoutGaps),
      },
      true,
    );
    form.elements.whole.disabled = span.start === 0 && span.end === 100;
    say();
  };
  const drawLater = soon(draw);

  const linked = linkedCharts("series", {
    onPoint: (value) => {
      at = value === null ? null : nearest(x, value);
      sayLater();
    },
    onZoom: ({ start, end }) => {
      if (start === span.start && end === span.end) return;
      span = { start, end };
      drawLater();
    },
  });

  const build = () => {
    const one = chosen().view === "one";
    const toggle = (place, button) => {
      if (!hidden.delete(place)) hidden.add(place);
      button.setAttribute("aria-pressed", String(!hidden.has(place)));
      draw();
    };
    hidden.clear();
    figures = one ? [figureOf(policies, toggle)] : policies.map((policy) => figureOf([policy]));
    const plots = byId("series-plots");
    plots.classList.toggle("wide", figures.length === 1);
    plots.classList.toggle("pairs", figures.length === 2 || figures.length === 4);
    plots.replaceChildren(...figures.map(({ figure }) => figure));
    linked.renew([...figures.map(({ holder }) => holder), byId("series-zoom")]);
    for (const { holder } of figures) {
      keysOf(holder, {
        steps: () => x.length,
        at: () => at,
        point: (index) => linked.point(index === null ? null : x[index]),
        zoom: (factor) => linked.zoom(zoomed(span, factor)),
      });
    }
    draw();
  };

  form.addEventListener("change", ({ target }) => (target.name === "view" ? build() : draw()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.whole.addEventListener("click", () => linked.zoom({ start: 0, end: 100 }));
  document.addEventListener("themechange", draw);
  build();
  whenResized(byId("series-plots"), () => {
    for (const chart of linked.charts()) chart.resize();
    draw();
  });
}
