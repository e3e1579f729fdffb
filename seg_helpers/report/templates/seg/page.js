"use strict";
// The page reads without this: it opens all code at once, marks the section in view, folds the contents on phones.
const contents = document.querySelector(".contents");
const button = contents.querySelector("button");
const code = [...document.querySelectorAll("details.code")];

button.hidden = code.length === 0;
button.addEventListener("click", () => {
  const open = code.some((cell) => !cell.open);
  code.forEach((cell) => { cell.open = open; });
});
document.addEventListener("toggle", () => {
  button.textContent = code.some((cell) => !cell.open) ? "Show all code" : "Hide all code";
}, true);

const narrow = window.matchMedia("(max-width: 68rem)");
const fold = () => { contents.querySelector("details").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();

const links = new Map([...contents.querySelectorAll("a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
const headings = [...links.keys()].map((id) => document.getElementById(id));
const mark = () => {
  const passed = headings.filter((heading) => heading.getBoundingClientRect().top < window.innerHeight * 0.3);
  const current = (passed.at(-1) ?? headings[0])?.id;
  links.forEach((link, id) => {
    if (id === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
};
document.addEventListener("scroll", mark, { passive: true });
mark();
