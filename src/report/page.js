"use strict";
(() => {
  const words = document.body.dataset;
  const make = (name, text, inside) => {
    const label = document.createElement("label");
    label.textContent = text;
    const field = document.createElement(name);
    label.append(field);
    inside.append(label);
    return field;
  };
  for (const table of document.querySelectorAll("table[data-filter]")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 8) continue;
    const tools = document.createElement("div");
    tools.className = "tools";
    const search = make("input", words.search, tools);
    search.type = "search";
    const picks = [];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!("pick" in head.dataset)) return;
      const values = [...new Set(rows.map((row) => row.cells[column].textContent))].sort();
      if (values.length < 2) return;
      const pick = make("select", head.textContent, tools);
      pick.append(new Option(words.all, ""));
      for (const value of values) if (value) pick.append(new Option(value, value));
      picks.push([pick, column]);
    });
    const shown = document.createElement("output");
    tools.append(shown);
    const texts = rows.map((row) => {
      const whole = [...row.querySelectorAll("[title]")].map((part) => part.title);
      return [row.textContent, ...whole].join(" ").toLowerCase();
    });
    const show = () => {
      const wanted = search.value.trim().toLowerCase();
      let count = 0;
      rows.forEach((row, place) => {
        const fits = texts[place].includes(wanted) &&
          picks.every(([pick, column]) => !pick.value || row.cells[column].textContent === pick.value);
        row.hidden = !fits;
        count += fits ? 1 : 0;
      });
      shown.textContent = words.of.replace("{}", count).replace("{}", rows.length);
    };
    tools.addEventListener("input", show);
    table.parentElement.before(tools);
    show();
  }
})();
