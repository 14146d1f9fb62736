// The table of a fleet's workloads: words to search for, choices, an order, a page of rows.
function workloadsSection({ workloads, refusals, words }) {
  const form = byId("workloads-form");
  const headers = [...document.querySelectorAll("#workloads-table th[data-column]")];
  const { name, kind, replicas, wanted, moved, market, start, finish, amounts } = workloads;
  const { policy, reason, alternative, data, refused } = workloads;
  const sort = { column: "", descending: false };
  const texts = [];

  const textOf = (row) => {
    const said = [kind, policy, reason, alternative, data].map((column) => words[column[row]]);
    return [name[row], ...replicas[row].map(([cluster]) => words[cluster]), ...said].join(" ").toLowerCase();
  };
  const has = (row, term) => (texts[row] ??= textOf(row)).includes(term);

  const states = {
    placed: (row) => replicas[row].length > 0,
    lacking: (row) => words[reason[row]] !== "",
    moved: (row) => moved[row] > 0,
  };
  const numbers = { perHour: 0, total: 1, carbon: 2 };
  const makers = {
    name: () => naturalRanks(name),
    replicas: () => replicas.map((pairs) => pairs.reduce((sum, [, pods]) => sum + pods, 0)),
    market: () => naturalRanks(market.map((word) => words[word])),
    start: () => naturalRanks(start),
    finish: () => naturalRanks(finish),
    amount: (place) => amounts.map((all) => all[place] ?? -1),
  };
  const kept = {};
  const ranksBy = (column) => (kept[column] ??= column in numbers ? makers.amount(numbers[column]) : makers[column]());

  const refusedDetails = (row) => {
    const lists = refusals[refused[row]];
    if (!lists.length) return "";
    const clusters = lists.reduce((sum, [, names]) => sum + names.length, 0);
    const items = lists.map(([why, names]) =>
      element(
        "li",
        {},
        element("span", { class: "name" }, names.map((place) => words[place]).join(", ")),
        `: ${words[why]}`,
      ),
    );
    return element(
      "details",
      {},
      element("summary", {}, `${count(clusters, "cluster")} refused`),
      element("ul", { class: "closest" }, ...items),
    );
  };
  const placesOf = (row) => {
    if (!replicas[row].length) {
      const lacking = wanted[row] ? `none of ${number(wanted[row])}` : "asks for none";
      return [element("span", { class: "state" }, lacking)];
    }
    const shown = replicas[row].slice(0, 4).map(([cluster, pods]) =>
      element("span", { class: "place" }, `${words[cluster]} `, element("strong", {}, number(pods))),
    );
    const hidden = replicas[row].length - shown.length;
    return hidden > 0 ? [...shown, element("span", { class: "note" }, `and ${count(hidden, "more cluster")}`)] : shown;
  };
  const why = (row) => {
    const said = [reason, alternative].map((column) => words[column[row]]).filter(Boolean);
    const flow = words[data[row]] ? [element("p", { class: "note" }, `moves ${words[data[row]]}`)] : [];
    return [...said.map((text) => element("p", {}, text)), ...flow, refusedDetails(row)];
  };
  const named = (row) => {
    const by = words[policy[row]];
    return [
      element("span", { class: "name" }, name[row]),
      element("span", { class: "note" }, `${words[kind[row]]}${by ? `, by ${by}` : ""}`),
    ];
  };
  const lineOf = (row) =>
    element(
      "tr",
      { role: "row", class: words[reason[row]] ? "pending" : "" },
      titledCell("", named(row), "head"),
      titledCell("", placesOf(row), "places"),
      titledCell("Market", words[market[row]]),
      titledCell("Start", start[row] === "-" ? "" : start[row], "moment"),
      titledCell("Finish", finish[row] === "-" ? "" : finish[row], "moment"),
      ...["perHour", "total", "carbon"].map((column, place) =>
        titledCell(["$/h", "Total", "CO2"][place], replicas[row].length ? workloads[column][row] : "", "number"),
      ),
      titledCell("", why(row), "why"),
    );

  const show = pagedRows("workloads", "workload", name.length, lineOf);
  const select = () => {
    const filter = Object.fromEntries(new FormData(form));
    const terms = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = [
      filter.state !== "" && states[filter.state],
      filter.market !== "" && ((row) => market[row] === Number(filter.market)),
      filter.cluster !== "" && ((row) => replicas[row].some(([cluster]) => cluster === Number(filter.cluster))),
      terms.length > 0 && ((row) => terms.every((term) => has(row, term))),
    ].filter(Boolean);
    const rows = name.map((_, row) => row).filter((row) => tests.every((test) => test(row)));
    if (sort.column) {
      const ranks = ranksBy(sort.column);
      const sign = sort.descending ? -1 : 1;
      rows.sort((a, b) => sign * (ranks[a] - ranks[b]) || a - b);
    }
    show(rows);
  };

  // A header sorts upwards, then downwards, then gives the plan's own order back; amounts downwards at first.
  const sortBy = (column) => {
    const steps = column in numbers || column === "replicas" ? [true, false] : [false, true];
    const at = sort.column === column ? steps.indexOf(sort.descending) + 1 : 0;
    Object.assign(sort, at < 2 ? { column, descending: steps[at] } : { column: "", descending: false });
    for (const header of headers) {
      const own = header.dataset.column === sort.column;
      header.setAttribute("aria-sort", own ? (sort.descending ? "descending" : "ascending") : "none");
    }
    select();
  };
  for (const header of headers) {
    header.querySelector("button").addEventListener("click", () => sortBy(header.dataset.column));
  }

  const offer = (field, places) => {
    const options = [...new Set(places)].filter((place) => words[place] !== "");
    const keyed = options.map((place) => ({ place, key: naturalKey(words[place]) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
    field.append(...keyed.map(({ place }) => element("option", { value: place }, words[place])));
  };
  offer(form.elements.cluster, replicas.flatMap((pairs) => pairs.map(([cluster]) => cluster)));
  offer(form.elements.market, market);
  whenChanged(form, select);
  select();

  // Called from elsewhere on the page: only this cluster's workloads, and the table in view.
  return (cluster) => {
    form.reset();
    form.elements.cluster.value = words.indexOf(cluster);
    select();
    byId("workloads").scrollIntoView();
    byId("workloads-title").focus({ preventScroll: true });
  };
}
