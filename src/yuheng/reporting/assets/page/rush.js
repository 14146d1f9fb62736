// The heat map of the week: the choice of a policy, and the hour under the pointer in words.
function rushSection({ rush }) {
  const form = byId("rush-form");
  const table = byId("rush-table");
  const said = byId("rush-said");
  const rest = said.textContent;
  const rows = [...table.querySelectorAll("tbody tr")];
  const days = rows.map((row) => row.querySelector("abbr").title);
  const week = () => rush[form ? Number(form.elements.week.value) : 0];
  const placeOf = (cell) => [rows.indexOf(cell.parentElement), cell.cellIndex - 1];

  const draw = () => {
    rows.forEach((row, day) => {
      [...row.querySelectorAll("td")].forEach((cell, hour) => {
        const found = week()[day][hour];
        cell.className = found ? `band-${found[1]}` : "";
        cell.replaceChildren(...(found ? [element("span", {}, String(Math.round(found[0])))] : []));
      });
    });
  };
  const tell = ({ target }) => {
    const cell = target.closest?.("tbody td");
    if (!cell) return;
    const [day, hour] = placeOf(cell);
    const found = week()[day][hour];
    const clock = (value) => `${String(value).padStart(2, "0")}:00`;
    const what = found ? `${number(found[0])}% of what there is` : "not seen by any run";
    said.textContent = `${days[day]}, ${clock(hour)} to ${clock(hour + 1)}: ${what}`;
  };
  table.addEventListener("pointerover", tell);
  table.addEventListener("click", tell);
  table.addEventListener("pointerleave", () => {
    said.textContent = rest;
  });
  if (!form) return;
  form.hidden = false;
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
}
