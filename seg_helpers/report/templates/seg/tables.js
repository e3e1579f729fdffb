"use strict";
// A click on a heading orders its table's rows, the largest first, then the other way round.
const UNITS = { k: 1e3, M: 1e6, G: 1e9, min: 60, h: 3600 };
const read = (row, column) => row.cells[column].textContent.trim();
const measure = (text) => [...text.matchAll(/(-?[\d.]+)\s*([a-zA-Z]*)/g)]
  .reduce((sum, [, number, unit]) => sum + number * (UNITS[unit] ?? 1), text.match(/\d/) ? 0 : -Infinity);
document.querySelectorAll("table").forEach((table) => {
  const [body, headings] = [table.tBodies[0], [...(table.tHead?.rows[0]?.cells ?? [])]];
  if (!body || body.rows.length < 3) return;
  headings.forEach((heading, column) => {
    const numeric = getComputedStyle(heading).textAlign === "right";
    const compare = numeric
      ? (a, b) => measure(read(b, column).replaceAll(",", "")) - measure(read(a, column).replaceAll(",", ""))
      : (a, b) => read(a, column).localeCompare(read(b, column));
    const sorter = document.createElement("button");
    sorter.className = "sorter";
    sorter.append(...heading.childNodes);
    heading.append(sorter);
    sorter.addEventListener("click", () => {
      const first = numeric ? "descending" : "ascending";
      const again = heading.getAttribute("aria-sort") === first;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", again ? { ascending: "descending", descending: "ascending" }[first] : first);
      const rows = [...body.rows].sort(compare);
      body.append(...(again ? rows.reverse() : rows));
    });
  });
});
