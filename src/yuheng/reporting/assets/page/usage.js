// What each node has and what is requested of it: the numbers behind the map, and a node's details in words.
function usageOf(data) {
  const resources = Object.keys(data.usage);
  const ranks = naturalRanks(data.nodes);

  // Nothing requested of nothing is no share at all: such a node has no such resource.
  const share = (resource, when, node) => {
    const { allocatable, [when]: requested } = data.usage[resource];
    if (allocatable[node] > 0) return requested[node] / allocatable[node];
    return requested[node] > 0 ? Infinity : NaN;
  };

  const cells = (resource, when, order) => {
    const found = [];
    for (let node = 0; node < data.usage[resource].allocatable.length; node += 1) {
      const value = share(resource, when, node);
      if (!Number.isNaN(value)) found.push({ node, share: value });
    }
    const byName = (a, b) => ranks[a.node] - ranks[b.node];
    const byShare = (a, b) => (a.share === b.share ? byName(a, b) : b.share - a.share);
    return found.sort(order === "share" ? byShare : byName);
  };

  const sentence = (resource, when, node) => {
    const { allocatable, [when]: requested } = data.usage[resource];
    const shown = `${amount(resource, requested[node])} of ${amount(resource, allocatable[node])}`;
    return `${data.nodes[node]}: ${resource} ${shown} requested ${when} the plan, ${percent(share(resource, when, node))}`;
  };

  const row = (resource, node) => {
    const { allocatable, before, after } = data.usage[resource];
    const cell = (when, requested) =>
      element("td", {}, amount(resource, requested[node]), element("small", {}, percent(share(resource, when, node))));
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, resource),
      cell("before", before),
      cell("after", after),
      element("td", {}, amount(resource, allocatable[node])),
    );
  };

  const details = (node) => {
    const titles = ["", "Before", "After", "Allocatable"].map((title) => element("th", { scope: "col" }, title));
    const known = resources.filter((resource) => !Number.isNaN(share(resource, "after", node)));
    const body = element("tbody", {}, ...known.map((resource) => row(resource, node)));
    return element(
      "div",
      { class: "node-details" },
      element("strong", { class: "name" }, data.nodes[node]),
      element("table", {}, element("thead", {}, element("tr", {}, ...titles)), body),
    );
  };

  return { resources, cells, details, sentence };
}
