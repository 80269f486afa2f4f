"use strict";
// How near a finger or pointer must come to a mark, in pixels of the screen.
const REACH = 14;
const tip = document.getElementById("tip");
const found = document.getElementById("found");
const byLabel = new Map();
const plots = [...document.querySelectorAll("svg.seoro-scatter")].map(svg => {
  const points = [...svg.querySelectorAll(".points > g > *")].map(mark => {
    const title = mark.querySelector("title");
    const label = title.textContent;
    title.remove(); // The browser would show it beside ours.
    mark.setAttribute("aria-label", label);
    const box = mark.getBBox();
    const same = byLabel.get(label);
    if (same) same.push(mark); else byLabel.set(label, [mark]);
    return { mark, label, x: box.x + box.width / 2, y: box.y + box.height / 2 };
  });
  return { svg, points };
});

let shown = [];
function show(label, x, y) {
  shown.forEach(mark => mark.classList.remove("same"));
  shown = label === null ? [] : byLabel.get(label);
  shown.forEach(mark => mark.classList.add("same"));
  tip.hidden = label === null;
  if (label === null) return;
  tip.textContent = label;
  tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - tip.offsetWidth - 4)) + "px";
  tip.style.top = (y > 60 ? y - tip.offsetHeight - 12 : y + 20) + "px";
}

plots.forEach(({ svg, points }) => {
  const point = event => {
    const matrix = svg.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let nearest = null, least = (REACH / matrix.a) ** 2;
    for (const other of points) {
      const square = (other.x - at.x) ** 2 + (other.y - at.y) ** 2;
      if (square < least) { nearest = other; least = square; }
    }
    show(nearest && nearest.label, event.clientX, event.clientY);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") show(null); });
});

document.getElementById("search").addEventListener("input", event => {
  const asked = event.target.value.trim().toLowerCase();
  document.body.classList.toggle("searching", asked !== "");
  let count = 0;
  for (const [label, marks] of byLabel) {
    const hit = asked !== "" && label.toLowerCase().includes(asked);
    count += hit ? 1 : 0;
    marks.forEach(mark => mark.classList.toggle("hit", hit));
  }
  found.textContent = asked === "" ? "" : `${count} found`;
});
