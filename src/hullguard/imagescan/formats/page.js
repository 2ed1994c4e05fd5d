"use strict";
(() => {
  const root = document.documentElement;
  const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a file may have no storage */ } };

  const speak = (language) => {
    root.lang = language;
    for (const field of document.querySelectorAll("[data-placeholder-en]")) {
      field.placeholder = field.getAttribute(`data-placeholder-${language}`);
      field.setAttribute("aria-label", field.placeholder);
    }
    for (const option of document.querySelectorAll("option[data-en]")) option.textContent = option.dataset[language];
  };
  speak(remembered("hullguard-language") || (navigator.language.startsWith("zh") ? "zh" : "en"));
  document.getElementById("language").addEventListener("click", () => {
    speak(root.lang === "en" ? "zh" : "en");
    remember("hullguard-language", root.lang);
  });

  const theme = remembered("hullguard-theme");
  if (theme) root.dataset.theme = theme;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember("hullguard-theme", root.dataset.theme);
  });

  for (const section of document.querySelectorAll("section[data-list]")) {
    const body = section.querySelector("tbody");
    const rows = [...body.rows];
    const words = rows.map((row) => row.textContent.toLowerCase());
    const search = section.querySelector("input[type=search]");
    const severity = section.querySelector("select");
    const fixable = section.querySelector("input[type=checkbox]");
    const shown = section.querySelector("[data-shown]");
    const filter = () => {
      const wanted = (search?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, index) => {
        row.hidden = !(wanted.every((word) => words[index].includes(word))
          && (!severity?.value || row.dataset.severity === severity.value)
          && (!fixable?.checked || row.dataset.fixed === "yes"));
        count += row.hidden ? 0 : 1;
      });
      shown.textContent = count === rows.length ? `(${rows.length})` : `(${count} / ${rows.length})`;
    };
    for (const control of [search, severity, fixable]) control?.addEventListener("input", filter);

    const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent;
    section.querySelectorAll("th").forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of section.querySelectorAll("th")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = new Intl.Collator("en", { numeric: true });
      const sorted = [...body.rows].sort((one, two) => order.compare(key(one, column), key(two, column)));
      body.append(...(down ? sorted.reverse() : sorted));
    }));
  }
})();
