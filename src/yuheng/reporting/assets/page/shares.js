// What queues hold and deserve over time, in one run: all upon one another, or one by itself.
function sharesSection(data) {
  const { names, rest, runs } = data.queues;
  const form = byId("shares-form");
  const known = runs.map((queues, place) => ({ ...data.runs[place], queues })).filter(({ queues }) => queues !== null);
  const colourOf = (colours, queue) => (rest && queue === names.length - 1 ? colours.muted : colours.series[queue % 10]);
  const { unit: xUnit } = data.axis;
  const entries = names.map((name, place) => {
    const said = element("span", { class: "readout" });
    const dot = element("span", { class: `swatch dot-${rest && place === names.length - 1 ? "rest" : place % 10}` });
    return { said, item: element("li", {}, element("strong", { class: "entry" }, dot, element("span", { class: "name" }, name)), said) };
  });
  const holder = element("div", { class: "plot tall", tabindex: "0", role: "img" });
  const list = element("ul", { class: "entries" }, ...entries.map(({ item }) => item));
  byId("shares-plot").append(element("figure", {}, element("figcaption", {}, list), holder));
  let span = { start: 0, end: 100 };
  let at = null;

  const run = () =>
    known.find(({ policy, seed }) => policy === Number(form.elements.policy.value) && seed === Number(form.elements.seed.value));
  const shown = () => {
    const { value } = form.elements.queue;
    return value === "" ? names.map((_, place) => place) : [Number(value)];
  };
  const edges = (x) => {
    const [min, max] = x.length > 1 ? [x[0], x.at(-1)] : [x[0] - 1, x[0] + 1];
    return { min, max, from: min + ((max - min) * span.start) / 100, to: min + ((max - min) * span.end) / 100 };
  };

  const say = () => {
    const { queues } = run();
    const index = at ?? queues.x.length - 1;
    const visibleOnes = new Set(shown());
    entries.forEach(({ said, item }, queue) => {
      item.hidden = !visibleOnes.has(queue);
      const [held, due] = [queues.allocated[queue][index], queues.deserved[queue][index]];
      said.textContent =
        held === undefined ? "not in this run" : `${valueText("%", held)} of ${valueText("%", due)} deserved at ${axisText(xUnit, queues.x[index])}`;
    });
  };

  const draw = () => {
    const { queues } = run();
    const colours = chartColours();
    const places = shown().filter((queue) => queues.allocated[queue].length);
    const sums = (columns) => queues.x.map((_, place) => places.reduce((sum, queue) => sum + columns[queue][place], 0));
    const range = { ...roundRange(0, Math.max(1, ...sums(queues.allocated), ...sums(queues.deserved)), 6, "%"), unit: "%" };
    const left = labelRoom("%", range.numbers);
    const x = edges(queues.x);
    const most = Math.max(2, Math.floor((holder.clientWidth - left) / 75));
    const line = (values, more) => ({
      type: "line",
      data: values.map((value, place) => [queues.x[place], value]),
      symbol: "none",
      silent: true,
      ...more,
    });
    const areas = places.map((queue) => {
      const color = colourOf(colours, queue);
      return line(queues.allocated[queue], {
        stack: "allocated",
        lineStyle: { color, width: 1 },
        areaStyle: { color, opacity: 0.45 },
      });
    });
    const dashed = places.map((queue) => {
      const color = colourOf(colours, queue);
      return line(queues.deserved[queue], { stack: "deserved", z: 4, lineStyle: { color, width: 2, type: [7, 4] } });
    });
    const option = frameOption({ colours, x: { ...x, most, unit: xUnit }, y: range, left, bottom: COARSE ? 72 : 62 });
    const slider = { ...sliderZoom(span, colours, left), top: undefined, bottom: 6 };
    const wheel = { ...insideZoom(span), id: "wheel" };
    holder.setAttribute("aria-label", visible(`Queues of ${data.policies[run().policy]}, seed ${run().seed}`));
    linked.charts()[0].setOption({ ...option, dataZoom: [slider, wheel], series: [...areas, ...dashed] }, true);
    say();
  };
  const drawLater = soon(draw);
  const linked = linkedCharts("shares", {
    onPoint: (value) => {
      at = value === null ? null : nearest(run().queues.x, value);
      say();
    },
    onZoom: ({ start, end }) => {
      if (start === span.start && end === span.end) return;
      span = { start, end };
      drawLater();
    },
  });

  const seedsOf = () => {
    const policy = Number(form.elements.policy.value);
    const before = form.elements.seed.value;
    const seeds = known.filter((one) => one.policy === policy).map(({ seed }) => String(seed));
    form.elements.seed.replaceChildren(...seeds.map((seed) => element("option", { value: seed }, seed)));
    if (seeds.includes(before)) form.elements.seed.value = before;
  };
  const policies = [...new Set(known.map(({ policy }) => policy))];
  form.elements.policy.append(...policies.map((place) => element("option", { value: place }, data.policies[place])));
  seedsOf();
  form.addEventListener("change", ({ target }) => {
    if (target.name === "policy") seedsOf();
    at = null;
    draw();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("themechange", draw);
  linked.renew([holder]);
  keysOf(holder, {
    steps: () => run().queues.x.length,
    at: () => at,
    point: (index) => linked.point(index === null ? null : run().queues.x[index]),
    zoom: (factor) => linked.zoom(zoomed(span, factor)),
  });
  draw();
  whenResized(holder, () => {
    for (const chart of linked.charts()) chart.resize();
    draw();
  });
}
