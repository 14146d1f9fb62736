// Puts the page of a simulation together from the data it carries.
function whenResized(holder, callback) {
  let width = holder.clientWidth;
  const fit = () => {
    if (holder.clientWidth === width) return;
    width = holder.clientWidth;
    callback();
  };
  new ResizeObserver(() => requestAnimationFrame(fit)).observe(holder);
}

// The measures that tell policies apart come first; the others on request.
function summarySection() {
  const form = byId("summary-form");
  const rows = document.querySelectorAll(".compare .same");
  const show = () => rows.forEach((row) => (row.hidden = !form.elements.all.checked));
  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}

function differencesSection() {
  const form = byId("differences-form");
  const plots = document.querySelectorAll(".forest [data-plot]");
  const show = () => {
    const { value } = form.elements.measure;
    for (const plot of plots) {
      plot.hidden = value !== "" && plot.dataset.plot !== value;
      plot.classList.toggle("alone", value !== "");
    }
  };
  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}

// Paper is light, whatever the screen is.
function printLight() {
  const root = document.documentElement;
  let before = root.dataset.theme;
  const put = (theme) => {
    root.dataset.theme = theme;
    document.dispatchEvent(new Event("themechange"));
  };
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    put("light");
  });
  addEventListener("afterprint", () => put(before));
}

const found = JSON.parse(byId("data").textContent);
printLight();
if (byId("summary-form")) summarySection();
if (byId("differences-form")) differencesSection();
if (byId("series-form")) seriesSection(found);
if (byId("shares-form")) sharesSection(found);
if (byId("rush-table")) rushSection(found);
