// Values of measures in words, as the tables of the same page write them, and shorter for axes.
const CLOCKS = [
  [1, 60, 60, "m", "s"],
  [60, 60, 24, "h", "m"],
  [3600, 24, Infinity, "d", "h"],
];

function clockText(seconds) {
  const sign = seconds < 0 ? "-" : "";
  const size = Math.abs(seconds);
  if (Math.round(size) < 60) return `${sign}${Number(size.toFixed(size < 0.995 ? 2 : size < 9.95 ? 1 : 0))}s`;
  for (const [unit, parts, most, large, small] of CLOCKS) {
    const all = Math.round(size / unit);
    const [whole, rest] = [Math.floor(all / parts), all % parts];
    if (whole < most) return `${sign}${number(whole)}${large}${rest ? ` ${rest}${small}` : ""}`;
  }
  return "";
}

function grouped(value, digits) {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function valueText(unit, value) {
  if (unit === "s") return clockText(value);
  const size = Math.abs(value);
  const plain = Number.isInteger(value) ? 0 : size < 10 ? 3 : size < 1000 ? 1 : 0;
  const text = grouped(size, { "%": 2, USD: 2, h: 1 }[unit] ?? plain);
  const sign = value < 0 && /[1-9]/.test(text) ? "-" : "";
  return `${sign}${unit === "USD" ? "$" : ""}${text}${{ "%": "%", h: " h", "1/h": "/h" }[unit] ?? ""}`;
}

function axisText(unit, value) {
  if (unit === "s") return clockText(value);
  const size = Math.abs(value);
  const [scale, letter] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  const text = Number((value / scale).toPrecision(4)).toString() + letter;
  return unit === "%" ? `${text}%` : unit === "USD" ? `$${text}` : text;
}
