// A row of plots that move together: the same axes, the same zoom, and what the pointer is at is told above each.
const COARSE = matchMedia("(pointer: coarse)").matches;
const DASHES = ["solid", [9, 3], [3, 2], [9, 3, 2, 3], [5, 2], [2, 3], [12, 2], [6, 2, 2, 2], [4, 4], [10, 4, 2, 2, 2, 4]];

// The line that stands for a policy, as the page has it ready.
function strokeOf(place) {
  const ready = byId("strokes").children;
  return ready[place % ready.length].cloneNode(true);
}

function insideZoom(span) {
  return {
    id: "zoom",
    type: "inside",
    filterMode: "none",
    disabled: COARSE,
    zoomOnMouseWheel: "ctrl",
    moveOnMouseWheel: false,
    moveOnMouseMove: "ctrl",
    start: span.start,
    end: span.end,
  };
}

function sliderZoom(span, colours, left) {
  return {
    id: "zoom",
    type: "slider",
    filterMode: "none",
    left,
    right: 18,
    top: 4,
    height: COARSE ? 34 : 24,
    start: span.start,
    end: span.end,
    showDetail: false,
    showDataShadow: true,
    brushSelect: false,
    borderColor: colours.line,
    fillerColor: `${colours.accent}22`,
    backgroundColor: "transparent",
    handleStyle: { color: colours.panel, borderColor: colours.accent },
    moveHandleStyle: { color: colours.accent, opacity: 0.5 },
    emphasis: { handleStyle: { color: colours.soft, borderColor: colours.accent } },
    dataBackground: { lineStyle: { color: colours.muted, opacity: 0.6 }, areaStyle: { opacity: 0 } },
    selectedDataBackground: { lineStyle: { color: colours.accent }, areaStyle: { opacity: 0 } },
  };
}

// Calls back once before the next frame, however often it is asked.
function soon(callback) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      callback();
    });
  };
}

// Keys for a plot: arrows read values, plus and minus zoom, Escape leaves.
function keysOf(holder, { steps, at, point, zoom }) {
  holder.addEventListener("keydown", (event) => {
    const big = Math.max(1, Math.round(steps() / 20));
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -big, PageDown: big, Home: -Infinity, End: Infinity }[event.key];
    if (move !== undefined) point(Math.max(0, Math.min(steps() - 1, (at() ?? 0) + move)));
    else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else if (event.key === "Escape") point(null);
    else return;
    event.preventDefault();
  });
}

// Charts of one group: hover and zoom of one are those of all.
function linkedCharts(group, { onPoint, onZoom }) {
  let charts = [];
  const own = (chart) => {
    chart.group = group;
    // A chart that has nothing there says nothing; that the pointer left is said by itself.
    chart.on("updateAxisPointer", ({ axesInfo }) => axesInfo?.length && onPoint(axesInfo[0].value));
    chart.on("globalout", () => onPoint(null));
    chart.on("datazoom", () => {
      const [{ start, end }] = chart.getOption().dataZoom;
      onZoom({ start, end });
    });
    return chart;
  };
  const renew = (holders) => {
    for (const chart of charts) chart.dispose();
    charts = holders.map((holder) => own(echarts.init(holder, null, { renderer: "canvas" })));
    if (charts.length > 1) echarts.connect(group);
  };
  const zoom = (span) => charts[0]?.dispatchAction({ type: "dataZoom", dataZoomId: "zoom", ...span });
  // The first chart is told, and tells the others.
  const point = (value) => {
    const [chart] = charts;
    const type = "updateAxisPointer";
    if (value === null) chart.dispatchAction({ type, currTrigger: "leave" });
    else {
      const [x, y] = [chart.convertToPixel({ xAxisIndex: 0 }, value), chart.getHeight() / 2];
      chart.dispatchAction({ type, currTrigger: "mousemove", x, y });
    }
    onPoint(value);
  };
  return { renew, zoom, point, charts: () => charts };
}

// Half of what is seen, or twice as much, around its middle.
function zoomed({ start, end }, factor) {
  const half = Math.max(0.5, ((end - start) / 2) * factor);
  const middle = (start + end) / 2;
  return { start: Math.max(0, middle - half), end: Math.min(100, middle + half) };
}
