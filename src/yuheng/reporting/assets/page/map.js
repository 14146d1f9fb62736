// The heat map: one cell a node. Few nodes get tiles with their names, many get squares, down to a few pixels.
const TILE = { width: 150, height: 44 };
const SQUARE = { least: 6, most: 32, labelled: 28 };
const ROOM = 420; // the height the map aims at, in pixels

function layoutOf(nodes, width) {
  if (nodes * TILE.width * TILE.height <= width * ROOM) {
    const columns = Math.max(1, Math.min(Math.floor(width / TILE.width), 8));
    return { columns, width: Math.floor(width / columns), height: TILE.height, label: "name" };
  }
  const fitting = Math.floor(Math.sqrt((width * ROOM) / nodes));
  const side = Math.max(SQUARE.least, Math.min(SQUARE.most, fitting));
  const label = side >= SQUARE.labelled ? "share" : "none";
  return { columns: Math.max(1, Math.floor(width / side)), width: side, height: side, label };
}

function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    bands: Array.from({ length: BANDS }, (_, band) => read(`--band-${band}`)),
    inks: Array.from({ length: BANDS }, (_, band) => read(`--ink-${band}`)),
    gap: read("--panel"),
    mark: read("--text"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

function labelText(kind, name, share) {
  if (kind === "name") return `${visible(name)}\n${percent(share)}`;
  return Number.isFinite(share) ? String(Math.round(share * 100)) : "";
}

function chartOption(cells, names, layout, colours) {
  const rows = Math.max(1, Math.ceil(cells.length / layout.columns));
  const places = (length) => ({ type: "category", show: false, data: Array.from({ length }, (_, place) => place) });
  const labelled = layout.label !== "none";
  const cut = { width: layout.width - 14, overflow: "truncate" };
  const data = cells.map(({ node, share }, index) => {
    const band = bandOf(share);
    const value = [index % layout.columns, Math.floor(index / layout.columns), band];
    if (!labelled) return value;
    const label = { formatter: () => labelText(layout.label, names[node], share), color: colours.inks[band] };
    return { value, label };
  });
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 0, top: 0, right: 0, bottom: 0 },
    xAxis: places(layout.columns),
    yAxis: { ...places(rows), inverse: true },
    visualMap: {
      type: "piecewise",
      show: false,
      dimension: 2,
      pieces: colours.bands.map((color, value) => ({ value, color })),
    },
    series: {
      type: "heatmap",
      progressive: 0,
      data,
      label: { show: labelled, fontSize: 11, lineHeight: 15, ...(layout.label === "name" && cut) },
      itemStyle: { borderColor: colours.gap, borderWidth: layout.height > 8 ? 1 : 0.5 },
      emphasis: { itemStyle: { borderColor: colours.mark, borderWidth: 2 } },
    },
  };
}

// Draws the cells into the holder and tells which of them is meant: by pointer, by finger or by key.
function heatMap(holder, names, { onPoint, onLeave, onChoose }) {
  const chart = echarts.init(holder, null, { renderer: "canvas", width: 1, height: 1 });
  let cells = [];
  let layout = layoutOf(1, 1);
  let current = -1;

  const boxOf = (index) => {
    const frame = holder.getBoundingClientRect();
    const left = frame.left + (index % layout.columns) * layout.width;
    const top = frame.top + Math.floor(index / layout.columns) * layout.height;
    return { left, top, right: left + layout.width, bottom: top + layout.height };
  };
  const mark = (index) => {
    if (current >= 0) chart.dispatchAction({ type: "downplay", dataIndex: current });
    current = index;
    if (index >= 0) chart.dispatchAction({ type: "highlight", dataIndex: index });
  };
  const point = (index) => {
    mark(index);
    onPoint(cells[index].node, boxOf(index));
  };
  const leave = () => {
    mark(-1);
    onLeave();
  };

  chart.on("mouseover", ({ dataIndex }) => point(dataIndex));
  chart.on("click", ({ dataIndex }) => onChoose(cells[dataIndex].node));
  chart.on("globalout", leave);

  const draw = (wanted) => {
    cells = wanted;
    current = -1;
    layout = layoutOf(cells.length, holder.parentElement.clientWidth);
    const rows = Math.ceil(cells.length / layout.columns);
    const columns = Math.min(layout.columns, Math.max(1, cells.length));
    layout.columns = columns;
    chart.resize({ width: columns * layout.width, height: Math.max(1, rows) * layout.height });
    chart.setOption(chartOption(cells, names, layout, themeColours()), true);
  };

  const move = (key) => {
    const page = layout.columns * 10;
    const steps = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: layout.columns,
      ArrowUp: -layout.columns,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    if (!(key in steps) || cells.length === 0) return false;
    const target = current < 0 ? 0 : current + steps[key];
    const index = Math.max(0, Math.min(cells.length - 1, target));
    const scroller = holder.parentElement;
    const top = Math.floor(index / layout.columns) * layout.height;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    const bottom = top + layout.height - scroller.clientHeight;
    if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
    point(index);
    return true;
  };
  const choose = () => current >= 0 && onChoose(cells[current].node);

  return { draw, move, choose, leave };
}
