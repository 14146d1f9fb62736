// The section of the nodes: what the map shows, the words beside the pointer, the node that was chosen.
function nodesSection(data, showPodsOf) {
  const usage = usageOf(data);
  const scroller = byId("map");
  const bubble = byId("bubble");
  const spoken = byId("spoken");
  const chosen = byId("chosen");
  const resource = byId("map-resource");
  const order = byId("map-order");
  const form = byId("map-form");
  const when = () => new FormData(form).get("when");

  const place = (box) => {
    const { width, height } = bubble.getBoundingClientRect();
    const margin = 8;
    const [right, left] = [box.right + margin, box.left - width - margin];
    const [below, above] = [box.bottom + margin, box.top - height - margin];
    const roomRight = right + width < innerWidth - margin;
    const beside = roomRight || left > margin;
    const roomBelow = below + height < innerHeight - margin;
    const x = roomRight ? right : Math.max(margin, left);
    const y = beside ? Math.min(box.top, innerHeight - height - margin) : roomBelow ? below : above;
    bubble.style.left = `${x}px`;
    bubble.style.top = `${Math.max(margin, y)}px`;
  };
  const onPoint = (node, box) => {
    bubble.replaceChildren(usage.details(node));
    bubble.hidden = false;
    place(box);
    spoken.textContent = visible(usage.sentence(resource.value, when(), node));
  };
  const onLeave = () => {
    bubble.hidden = true;
  };
  const onChoose = (node) => {
    const button = element("button", { type: "button" }, "Show what was placed on it");
    button.addEventListener("click", () => showPodsOf(data.nodes[node]));
    chosen.replaceChildren(usage.details(node), button);
    chosen.hidden = false;
    onLeave();
  };
  const map = heatMap(byId("map-canvas"), data.nodes, { onPoint, onLeave, onChoose });

  const draw = () => {
    const cells = usage.cells(resource.value, when(), order.value);
    const without = data.usage[resource.value].allocatable.length - cells.length;
    const missing = without ? `; ${count(without, "node")} without ${resource.value} not shown` : "";
    byId("map-count").textContent = visible(`${count(cells.length, "node")}${missing}`);
    map.draw(cells);
    drawLegend(byId("legend"), cells);
  };

  // A key may scroll the map to its node; what is said of that node must outlive that.
  let keyed = false;
  scroller.addEventListener("keydown", (event) => {
    keyed = true;
    if (event.key === "Escape") map.leave();
    else if (event.key === "Enter" || event.key === " ") map.choose();
    else if (!map.move(event.key)) return;
    event.preventDefault();
  });
  scroller.addEventListener("blur", () => map.leave());
  scroller.addEventListener("scroll", () => {
    if (!keyed) onLeave();
    keyed = false;
  });
  addEventListener("scroll", onLeave, { passive: true });
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("themechange", draw);

  resource.append(...usage.resources.map((name) => element("option", { value: name }, name)));
  // Drawing changes the map's height, so it waits for the next frame, and only a change of width asks for it.
  let width = 0;
  const fit = () => {
    if (scroller.clientWidth === width) return;
    width = scroller.clientWidth;
    draw();
  };
  new ResizeObserver(() => requestAnimationFrame(fit)).observe(scroller);
}
