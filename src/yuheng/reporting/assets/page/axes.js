// Axes that several plots share: round numbers within a range, and what ECharts needs to draw them.
const CLOCK_STEPS = [
  [1, [1, 2, 5, 10, 15, 30]],
  [60, [1, 2, 5, 10, 15, 30]],
  [3600, [1, 2, 3, 6, 12]],
  [86400, [1, 2, 5]],
].flatMap(([unit, factors]) => factors.map((factor) => factor * unit));

function stepOf(least, unit) {
  const clock = unit === "s" && least >= 1 ? CLOCK_STEPS.find((step) => step >= least) : undefined;
  if (clock) return clock;
  const base = unit === "s" && least >= 1 ? 86400 : 1;
  const power = 10 ** Math.floor(Math.log10(least / base));
  return base * power * [1, 2, 5, 10].find((factor) => factor * power * base >= least * (1 - 1e-9));
}

function roundNumbers(low, high, most, unit) {
  const step = stepOf((high - low) / most, unit);
  const numbers = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place += 1) {
    numbers.push(place * step);
  }
  return numbers;
}

// From one round number to another, with all values between them; from 0 unless the values are far from it.
function roundRange(low, high, most, unit) {
  let [from, to] = low > 0 && low < 0.6 * high ? [0, high] : [low, high];
  if (!(to - from > 1e-9 * Math.max(Math.abs(from), Math.abs(to)))) [from, to] = [Math.min(0, low), Math.max(low, 1)];
  const step = stepOf((to - from) / most, unit);
  const range = { min: Math.floor(from / step + 1e-9) * step, max: Math.ceil(to / step - 1e-9) * step };
  if (low >= 0) range.min = Math.max(0, range.min);
  return { ...range, numbers: roundNumbers(range.min, range.max, most + 2, unit).filter((value) => value <= range.max) };
}

function chartColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    line: read("line"),
    muted: read("muted"),
    text: read("text"),
    panel: read("panel"),
    accent: read("accent"),
    soft: read("accent-soft"),
    series: Array.from({ length: 10 }, (_, place) => read(`series-${place}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
}

function labelled(colours, unit, numbers) {
  return {
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { customValues: numbers, lineStyle: { color: colours.line } },
    axisLabel: {
      customValues: numbers,
      color: colours.muted,
      fontSize: 11,
      hideOverlap: true,
      formatter: (value) => axisText(unit, value),
    },
  };
}

// The frame of a plot; series and zoom are the plot's own.
function frameOption({ colours, x, y, left, bottom }) {
  const numbers = roundNumbers(x.from, x.to, x.most, x.unit);
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left, right: 18, top: 8, bottom, outerBoundsMode: "none" },
    xAxis: {
      type: "value",
      min: x.min,
      max: x.max,
      splitLine: { show: false },
      axisPointer: { show: true, lineStyle: { color: colours.muted, type: "solid" }, label: { show: false } },
      ...labelled(colours, x.unit, numbers),
    },
    yAxis: {
      type: "value",
      min: y.min,
      max: y.max,
      splitLine: { lineStyle: { color: colours.line, opacity: 0.6 } },
      ...labelled(colours, y.unit, y.numbers),
      axisLine: { show: false },
    },
  };
}

function labelRoom(unit, numbers) {
  return 14 + 6.4 * Math.max(3, ...numbers.map((value) => axisText(unit, value).length));
}

// The place in ascending numbers that is nearest to a value.
function nearest(numbers, value) {
  let [low, high] = [0, numbers.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > value) high = middle;
    else low = middle;
  }
  return Math.abs(numbers[low] - value) <= Math.abs(numbers[high] - value) ? low : high;
}
