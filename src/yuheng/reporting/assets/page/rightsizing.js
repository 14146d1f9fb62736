// Leaves the containers whose names have the words.
const sizesForm = byId("sizes-form");
if (sizesForm) {
  const rows = [...document.querySelectorAll("tr[data-size]")];
  const names = rows.map((row) => [...row.querySelectorAll("th .name")].map((part) => part.textContent).join(" ").toLowerCase());
  const select = () => {
    const terms = sizesForm.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, place) => {
      row.hidden = !terms.every((term) => names[place].includes(term));
      left += row.hidden ? 0 : 1;
    });
    byId("sizes-count").textContent = left === rows.length ? "" : `${count(left, "container")} of ${number(rows.length)}`;
  };
  sizesForm.addEventListener("input", select);
  sizesForm.addEventListener("submit", (event) => event.preventDefault());
  sizesForm.hidden = false;
  select();
}
