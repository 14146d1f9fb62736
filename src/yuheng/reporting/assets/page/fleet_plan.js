// Puts the page of a fleet plan together from the data it carries.
const showWorkloads = workloadsSection(JSON.parse(byId("data").textContent));
for (const button of document.querySelectorAll("button[data-cluster]")) {
  button.disabled = false;
  button.addEventListener("click", () => showWorkloads(button.dataset.cluster));
}
