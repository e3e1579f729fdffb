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
const fold = () => contents.querySelectorAll("details").forEach((list) => { list.open = !narrow.matches; });
narrow.addEventListener("change", fold);
fold();

const links = new Map([...contents.querySelectorAll("details:first-child a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
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

// A row's pictures laid over each other: the first below, a chosen one above, a divider to drag between them.
const viewer = document.createElement("dialog");
viewer.className = "viewer";
viewer.setAttribute("aria-label", "Pictures of one row, laid over each other");
viewer.innerHTML = '<div class="stage"><img alt=""><img alt=""></div>'
  + '<input type="range" min="0" max="100" aria-label="Place of the divider, percent of the width">'
  + '<div class="choices"></div><form method="dialog"><button>Close</button></form>';
document.body.append(viewer);
const [below, above] = viewer.querySelectorAll("img");
const slider = viewer.querySelector("input");
const divide = () => viewer.style.setProperty("--at", `${slider.value}%`);
slider.addEventListener("input", divide);
viewer.querySelector(".stage").addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse" && !event.buttons) return;
  const frame = below.getBoundingClientRect();
  slider.value = 100 * (event.clientX - frame.left) / frame.width;
  divide();
});
const lookCloser = (pictures, chosen) => {
  const lay = (image, picture) => { image.src = picture.src; image.alt = picture.alt; };
  lay(below, pictures[0]);
  const choices = pictures.slice(1).map((picture) => {
    const choice = document.createElement("button");
    choice.textContent = picture.alt;
    choice.addEventListener("click", () => {
      lay(above, picture);
      choices.forEach((other) => other.setAttribute("aria-pressed", other === choice));
    });
    return choice;
  });
  viewer.querySelector(".choices").replaceChildren(...choices);
  choices[Math.max(pictures.indexOf(chosen) - 1, 0)].click();
  slider.value = pictures.indexOf(chosen) > 0 ? 50 : 100;
  divide();
  viewer.showModal();
};
document.querySelectorAll(".pictures .row").forEach((row) => {
  const pictures = [...row.querySelectorAll("img")];
  if (pictures.length < 2) return;
  const closer = document.createElement("button");
  closer.className = "closer";
  closer.textContent = "Look closer";
  closer.addEventListener("click", () => lookCloser(pictures, pictures[1]));
  row.after(closer);
  pictures.forEach((picture) => picture.addEventListener("click", () => lookCloser(pictures, picture)));
});
