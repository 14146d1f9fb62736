// Long tables: a page of rows at a time, whatever their number, and what a form leaves of them.
const NARROW = matchMedia("(max-width: 640px)").matches;
const ROWS = { pods: NARROW ? 20 : 50, jobs: NARROW ? 10 : 20, evictions: NARROW ? 10 : 20, workloads: NARROW ? 10 : 20 };

// Shows rows of a table; the function that it gives takes the numbers of the rows to show.
function pagedRows(id, noun, size, lineOf) {
  const most = ROWS[id];
  let rows = [];
  let page = 0;
  const show = () => {
    const pages = Math.max(1, Math.ceil(rows.length / most));
    page = Math.max(0, Math.min(page, pages - 1));
    const start = page * most;
    const shown = rows.slice(start, start + most);
    byId(`${id}-rows`).replaceChildren(...shown.map(lineOf));
    const span = shown.length ? `${number(start + 1)} to ${number(start + shown.length)} of ` : "";
    const all = rows.length === size ? "" : `, out of ${number(size)}`;
    byId(`${id}-count`).textContent = `${span}${count(rows.length, noun)}${all}`;
    byId(`${id}-page`).textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    byId(`${id}-page`).parentElement.hidden = pages === 1;
    for (const step of ["first", "back"]) byId(`${id}-${step}`).disabled = page === 0;
    for (const step of ["next", "last"]) byId(`${id}-${step}`).disabled = page === pages - 1;
  };
  const turns = { first: () => 0, back: () => page - 1, next: () => page + 1, last: () => Infinity };
  for (const [step, target] of Object.entries(turns)) {
    byId(`${id}-${step}`).addEventListener("click", () => {
      page = target();
      show();
    });
  }
  return (wanted) => {
    rows = wanted;
    page = 0;
    show();
  };
}

// Calls back a moment after the last key, and at once when the form is cleared.
function whenChanged(form, callback) {
  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(callback, 80);
  });
  form.addEventListener("reset", () => setTimeout(callback));
  form.addEventListener("submit", (event) => event.preventDefault());
}
