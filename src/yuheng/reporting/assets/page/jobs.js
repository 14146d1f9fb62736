// The tables of jobs and of evictions: words to search for, a choice a column, a page of rows.
function listing(id, noun, size, { textOf, lineOf, choices, words }) {
  const form = byId(`${id}-form`);
  const show = pagedRows(id, noun, size, lineOf);
  const texts = [];
  const has = (row, term) => (texts[row] ??= textOf(row).toLowerCase()).includes(term);
  const select = () => {
    const { text, ...chosen } = Object.fromEntries(new FormData(form));
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.entries(chosen).filter(([, value]) => value !== "");
    const rows = [];
    for (let row = 0; row < size; row += 1) {
      const fits = wanted.every(([name, value]) => choices[name][row] === Number(value));
      if (fits && terms.every((term) => has(row, term))) rows.push(row);
    }
    show(rows);
  };
  for (const [name, column] of Object.entries(choices)) {
    const options = [...new Set(column)].map((value) => ({ value, key: naturalKey(words[value]) }));
    options.sort((a, b) => (a.key < b.key ? -1 : 1));
    form.elements[name].append(...options.map(({ value }) => element("option", { value }, words[value] || "none")));
  }
  whenChanged(form, select);
  select();
}

function titledCell(title, content, kind = "name") {
  const parts = Array.isArray(content) ? content : [content];
  return element("td", { role: "cell", class: kind, "data-title": title }, ...parts.filter((part) => part !== ""));
}

function jobsSection({ jobs, words }) {
  const { name, queue, state, ready, place, start, waits } = jobs;
  const reasonsOf = (row) =>
    waits[row].map(([kind, message]) =>
      element("p", {}, element("span", { class: "chip" }, words[kind]), element("span", {}, words[message])),
    );
  listing("jobs", "job", name.length, {
    words,
    choices: { queue, state },
    textOf: (row) => [name[row], ...[queue[row], state[row], ...waits[row].flat()].map((word) => words[word])].join(" "),
    lineOf: (row) =>
      element(
        "tr",
        { role: "row", class: words[state[row]] === "running" ? "" : "pending" },
        titledCell("Place", place[row] ? number(place[row]) : "", "number"),
        titledCell("", name[row], "name head"),
        titledCell("Queue", words[queue[row]]),
        titledCell("State", words[state[row]], "state"),
        titledCell("Ready", ready[row].map(number).join("/"), "number"),
        titledCell("Earliest start", start[row], "start"),
        titledCell("", reasonsOf(row), "why"),
      ),
  });
}

function evictionsSection({ evictions, words }) {
  const { name, node, by, rule, reason } = evictions;
  listing("evictions", "pod", name.length, {
    words,
    choices: { rule },
    textOf: (row) => [name[row], ...[node, by, rule, reason].map((column) => words[column[row]])].join(" "),
    lineOf: (row) =>
      element(
        "tr",
        { role: "row" },
        titledCell("", name[row], "name head"),
        titledCell("Node", words[node[row]]),
        titledCell("For", words[by[row]]),
        titledCell("Rule", words[rule[row]], ""),
        titledCell("", words[reason[row]], "why"),
      ),
  });
}
