// The legend is a histogram: how many nodes are in each band of ten percent, in the colour the map gives them.
const BANDS = 11;
const OVER = BANDS - 1;

function bandOf(share) {
  return share > 1 ? OVER : Math.min(OVER - 1, Math.floor(share * 10 + 1e-9));
}

function bandRange(band) {
  return band === OVER ? "more than 100%" : `${band * 10} to ${band * 10 + 10}%`;
}

function drawLegend(list, cells) {
  const counts = new Array(BANDS).fill(0);
  for (const { share } of cells) counts[bandOf(share)] += 1;
  const most = Math.max(1, ...counts);
  const bars = counts.map((nodes, band) => {
    const bar = element("span", { class: `bar band-${band}` });
    bar.style.height = nodes ? `${Math.max(2, Math.round((40 * nodes) / most))}px` : "0";
    return element(
      "li",
      { title: `${bandRange(band)}: ${count(nodes, "node")}` },
      element("span", { class: "nodes" }, nodes ? number(nodes) : ""),
      bar,
      element("span", { class: `swatch band-${band}` }),
      element("span", { class: "from" }, band === OVER ? "over" : `${band * 10}%`),
    );
  });
  list.replaceChildren(...bars);
}
