"use strict";

// Words, numbers and elements. Every name on this page was written by somebody else: it becomes a text node, never
// markup, and what cannot be seen in it is shown as an escape.
const UNSEEN = /(?! )[\p{C}\p{Z}]/gu;
const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

// The escapes are Python's, as in every other report.
function visible(text) {
  return text.replace(UNSEEN, (char) => {
    const code = char.codePointAt(0);
    const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
  });
}

function number(value) {
  return NUMBER.format(value);
}

function count(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

function percent(share) {
  if (!Number.isFinite(share)) return "of none";
  return `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
}

// An amount in the engine's units: cpu and gpu in thousandths, sizes in bytes, everything else a count.
function amount(resource, value) {
  if (resource === "cpu" || resource === "gpu") return number(value / 1000);
  if (resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-")) {
    const power = value < 1 ? 0 : Math.min(BINARY.length - 1, Math.floor(Math.log2(value) / 10));
    return `${number(value / 1024 ** power)} ${BINARY[power]}`;
  }
  return number(value);
}

// "node-10" sorts behind "node-9": numbers are compared as numbers.
function naturalKey(text) {
  return text.replace(/\d+/g, (digits) => digits.padStart(20, "0"));
}

// The place of each text in the natural order; equal texts share a place.
function naturalRanks(texts) {
  const keys = texts.map(naturalKey);
  const order = keys.map((_, index) => index).sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0));
  const ranks = new Int32Array(texts.length);
  let rank = 0;
  order.forEach((index, place) => {
    if (place > 0 && keys[index] !== keys[order[place - 1]]) rank = place;
    ranks[index] = rank;
  });
  return ranks;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}
