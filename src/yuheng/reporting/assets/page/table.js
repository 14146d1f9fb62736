// The table of all pods.
function lacksText(lacks) {
  const worded = ([what, words]) => (/^[A-Z]/.test(what) ? `${what}: ${words}` : `${what} ${words}`);
  return Object.entries(lacks).map(worded).join(", ");
}

function refusalDetails({ message, hint, closest }, nodes) {
  const parts = [element("summary", {}, message)];
  if (hint) parts.push(element("p", { class: "hint" }, hint));
  if (closest.length) {
    const items = closest.map(([node, lacks]) =>
      element("li", {}, element("span", { class: "name" }, nodes[node]), ` lacks ${lacksText(lacks)}`),
    );
    parts.push(element("ul", { class: "closest" }, ...items));
  }
  return parts.length > 1 ? element("details", {}, ...parts) : element("span", {}, message);
}

function podsSection(data) {
  const pods = podsOf(data);
  const form = byId("pods-form");
  const headers = [...document.querySelectorAll("#pods-table th[data-column]")];
  const sort = { column: "", descending: false };

  const cell = (content, kind = "name") => element("td", { role: "cell", class: kind }, content);
  const lineOf = (row) => {
    const { namespace, pod, node, devices, refusal } = pods.rowOf(row);
    const where = refusal ? refusalDetails(refusal, data.nodes) : node;
    return element(
      "tr",
      { role: "row", class: refusal ? "pending" : "placed" },
      cell(namespace),
      cell(pod),
      cell(refusal ? "pending" : "placed", "state"),
      cell(where, refusal ? "reason" : "name"),
      cell(devices),
    );
  };

  const show = pagedRows("pods", "pod", pods.size, lineOf);
  const select = () => {
    show(pods.select(Object.fromEntries(new FormData(form)), sort));
  };

  // A header sorts upwards, then downwards, then gives the plan's own order back.
  const sortBy = (column) => {
    if (sort.column !== column) Object.assign(sort, { column, descending: false });
    else if (!sort.descending) sort.descending = true;
    else Object.assign(sort, { column: "", descending: false });
    for (const header of headers) {
      const own = header.dataset.column === sort.column;
      header.setAttribute("aria-sort", own ? (sort.descending ? "descending" : "ascending") : "none");
    }
    select();
  };
  for (const header of headers) {
    header.querySelector("button").addEventListener("click", () => sortBy(header.dataset.column));
  }

  whenChanged(form, select);
  const options = data.namespaces.map((name, index) => ({ name, index, key: naturalKey(name) }));
  options.sort((a, b) => (a.key < b.key ? -1 : 1));
  form.elements.namespace.append(...options.map(({ name, index }) => element("option", { value: index }, name)));
  select();

  // Called from elsewhere on the page: only these filters, and the table in view.
  return (filters) => {
    form.reset();
    for (const [name, value] of Object.entries(filters)) form.elements[name].value = value;
    select();
    byId("pods").scrollIntoView();
    byId("pods-title").focus({ preventScroll: true });
  };
}
