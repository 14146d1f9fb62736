// Light, dark, or what the system says. Runs in the head, before anything is painted.
{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "yuheng-theme";

  // A file opened from disk may not be allowed to remember anything; then it follows the system each time.
  const remembered = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const remember = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Nothing is lost but the memory of it.
    }
  };

  const apply = (theme) => {
    root.dataset.theme = theme;
    document.dispatchEvent(new Event("themechange"));
  };
  const system = () => (dark.matches ? "dark" : "light");

  apply(remembered() ?? system());
  dark.addEventListener("change", () => {
    if (remembered() === null) apply(system());
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const theme = root.dataset.theme === "dark" ? "light" : "dark";
      remember(theme);
      apply(theme);
    });
  });
}
