// The pods as columns: which rows a filter leaves, and in which order. A hundred thousand rows take a few milliseconds,
// because words are looked for once in every distinct node and reason, and orders are kept as numbers.
function podsOf(data) {
  const { namespace, name, node, devices, refusal } = data.pods;
  const size = name.length;
  const lowered = (texts) => texts.map((text) => text.toLowerCase());
  let words = null;
  const known = () => {
    words ??= {
      names: lowered(name),
      namespaces: lowered(data.namespaces),
      nodes: lowered(data.nodes),
      refusals: data.refusals.map(({ message, hint }) => `${message} ${hint}`.toLowerCase()),
    };
    return words;
  };

  const searching = (text) => {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (terms.length === 0) return () => true;
    const { names, namespaces, nodes, refusals } = known();
    const tests = terms.map((term) => {
      const found = (texts) => texts.map((candidate) => candidate.includes(term));
      const [inNode, inRefusal] = [found(nodes), found(refusals)];
      return (row) =>
        inNode[node[row]] || inRefusal[refusal[row]] || `${namespaces[namespace[row]]}/${names[row]}`.includes(term);
    });
    return (row) => tests.every((test) => test(row));
  };

  // A whole name means that node and no other; anything else is looked for inside the names.
  const onNode = (text) => {
    if (text === "") return () => true;
    const exact = data.nodes.indexOf(text);
    if (exact >= 0) return (row) => node[row] === exact;
    const hits = known().nodes.map((candidate) => candidate.includes(text.toLowerCase()));
    return (row) => hits[node[row]] === true;
  };

  const tests = (filter) => {
    const group = Number(filter.reason);
    const inside = Number(filter.namespace);
    return [
      filter.state !== "" && ((row) => node[row] >= 0 === (filter.state === "placed")),
      filter.namespace !== "" && ((row) => namespace[row] === inside),
      filter.reason !== "" && ((row) => data.refusals[refusal[row]]?.group === group),
      filter.node !== "" && onNode(filter.node.trim()),
      filter.text !== "" && searching(filter.text),
    ].filter(Boolean);
  };

  const LAST = size + data.nodes.length;
  const makers = {
    namespace: () => {
      const ranks = naturalRanks(data.namespaces);
      return namespace.map((index) => ranks[index]);
    },
    pod: () => naturalRanks(name),
    state: () => node.map((index) => (index >= 0 ? 0 : 1)),
    node: () => {
      const ranks = naturalRanks(data.nodes);
      const reasons = naturalRanks(data.refusals.map(({ message }) => message));
      return node.map((index, row) => (index >= 0 ? ranks[index] : LAST + reasons[refusal[row]]));
    },
    devices: () => naturalRanks(devices),
  };
  const kept = {};
  const ranksBy = (column) => (kept[column] ??= makers[column]());

  const select = (filter, sort) => {
    const wanted = tests(filter);
    const rows = [];
    for (let row = 0; row < size; row += 1) {
      if (wanted.every((test) => test(row))) rows.push(row);
    }
    if (sort.column) {
      const ranks = ranksBy(sort.column);
      const sign = sort.descending ? -1 : 1;
      rows.sort((a, b) => sign * (ranks[a] - ranks[b]) || a - b);
    }
    return rows;
  };

  const rowOf = (row) => ({
    namespace: data.namespaces[namespace[row]],
    pod: name[row],
    node: node[row] >= 0 ? data.nodes[node[row]] : null,
    devices: devices[row],
    refusal: data.refusals[refusal[row]] ?? null,
  });

  return { size, select, rowOf };
}
