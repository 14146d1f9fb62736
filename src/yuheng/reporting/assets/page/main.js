// Puts the page together from the data it carries.
const data = JSON.parse(byId("data").textContent);
const showPods = podsSection(data);

if (byId("jobs")) jobsSection(data);
if (byId("evictions")) evictionsSection(data);
if (byId("map")) nodesSection(data, (node) => showPods({ node }));
for (const button of document.querySelectorAll("button[data-group]")) {
  button.addEventListener("click", () => showPods({ reason: button.dataset.group }));
}
