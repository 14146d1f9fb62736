// Leaves the queues whose names have the words, in the tree and in every table of bars.
const queuesForm = byId("queues-form");
if (queuesForm) {
  const rows = [...document.querySelectorAll("tr[data-queue]")];
  const names = rows.map((row) => row.querySelector(".branch").textContent.toLowerCase());
  const total = document.querySelectorAll(".tree tr[data-queue]").length;
  const select = () => {
    const terms = queuesForm.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, place) => {
      row.hidden = !terms.every((term) => names[place].includes(term));
    });
    const left = document.querySelectorAll(".tree tr[data-queue]:not([hidden])").length;
    byId("queues-count").textContent = left === total ? "" : `${count(left, "queue")} of ${number(total)}`;
  };
  queuesForm.addEventListener("input", select);
  queuesForm.addEventListener("submit", (event) => event.preventDefault());
  queuesForm.hidden = false;
  select();
}
