// The table of groups: a click on a title sorts by it, once more turns the order around.
const table = byId("costs-table");
const [body] = table.tBodies;
const titles = [...table.querySelectorAll("th[data-sort]")];
// What is left out stays below everything, however the rest is sorted.
const last = body.querySelector("tr.more");

function valueOf(row, title) {
  const { value } = row.cells[title.cellIndex].dataset;
  return title.dataset.sort === "number" ? Number(value) : naturalKey(value);
}

function sortBy(title) {
  const isDown = title.getAttribute("aria-sort") === "descending";
  const isNumber = title.dataset.sort === "number";
  const descending = title.hasAttribute("aria-sort") ? !isDown : isNumber;
  for (const other of titles) other.removeAttribute("aria-sort");
  title.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const rows = [...body.rows].filter((row) => row !== last).map((row) => [valueOf(row, title), row]);
  rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1));
  body.append(...rows.map(([, row]) => row), ...(last ? [last] : []));
}

for (const title of titles) {
  const button = element("button", { type: "button" }, title.textContent);
  button.addEventListener("click", () => sortBy(title));
  title.replaceChildren(button);
}
