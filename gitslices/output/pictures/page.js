"use strict";
(() => {
  const find = (query, within = document) => within.querySelector(query);
  const list = (query, within = document) => [...within.querySelectorAll(query)];
  const boxes = list(".slice");
  const edges = list("path[data-from]");
  const rows = list("#slices tbody tr");
  const titles = list("#slices thead th");
  const view = find(".scroll");
  const pictures = list("svg", view).map((svg) => [svg, svg.viewBox.baseVal]);
  const panel = find("aside");
  const hint = [...panel.childNodes];
  const before = boxes.map(() => []);
  const after = boxes.map(() => []);
  for (const { dataset } of edges) {
    before[dataset.to].push(Number(dataset.from));
    after[dataset.from].push(Number(dataset.to));
  }
  let chosen = null;
  let zoom = 1;

  const element = (name, ...children) => {
    const made = document.createElement(name);
    made.append(...children);
    return made;
  };

  const reach = (start, near) => {
    const seen = new Set([start]);
    for (const at of seen) near[at].forEach((next) => seen.add(next));
    return seen;
  };

  const trace = (index) => {
    const on = index !== null;
    const past = on ? reach(index, before) : new Set();
    const future = on ? reach(index, after) : new Set();
    view.classList.toggle("tracing", on);
    boxes.forEach((box, at) => box.classList.toggle("lit", past.has(at) || future.has(at)));
    for (const edge of edges) {
      const [from, to] = [Number(edge.dataset.from), Number(edge.dataset.to)];
      const lit = (past.has(from) && past.has(to)) || (future.has(from) && future.has(to));
      edge.classList.toggle("lit", lit);
    }
  };

  const link = (index) => {
    const made = element("a", element("code", find("code", rows[index]).textContent));
    made.href = `#slice-${index}`;
    return element("li", made);
  };

  const describe = (index) => {
    const [name, ...cells] = rows[index].cells;
    const copy = (cell) => [...cell.cloneNode(true).childNodes];
    const parts = [element("h2", ...copy(name))];
    cells.forEach((cell, at) => {
      parts.push(element("h3", titles[at + 1].textContent), element("div", ...copy(cell)));
    });
    if (after[index].length) {
      parts.push(element("h3", "Holds up"), element("ul", ...after[index].map(link)));
    }
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  };

  const choose = (index) => {
    if (chosen !== null) boxes[chosen].removeAttribute("aria-current");
    chosen = index;
    trace(index);
    if (index === null) {
      panel.replaceChildren(...hint);
      return;
    }
    boxes[index].setAttribute("aria-current", "true");
    boxes[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    describe(index);
  };

  const resize = (wanted) => {
    zoom = Math.min(2, Math.max(0.1, wanted));
    for (const [svg, { width, height }] of pictures) {
      svg.setAttribute("width", width * zoom);
      svg.setAttribute("height", height * zoom);
    }
  };

  const search = () => {
    const words = find("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let matches = 0;
    rows.forEach((row, at) => {
      const text = row.textContent.toLowerCase();
      const match = words.every((word) => text.includes(word));
      row.hidden = !match;
      boxes[at].classList.toggle("missed", !match);
      matches += match;
    });
    find("#found").textContent = words.length ? `${matches} of ${rows.length}` : "";
  };

  const step = (index, key) => {
    if (key === "ArrowLeft") return before[index].at(-1);
    if (key === "ArrowRight") return after[index].at(-1);
    const place = (at) => boxes[at].transform.baseVal[0].matrix;
    const { e, f } = place(index);
    const sign = key === "ArrowDown" ? 1 : -1;
    const column = rows.map((_, at) => at).filter((at) => place(at).e === e);
    const ahead = column.filter((at) => (place(at).f - f) * sign > 0);
    return ahead.sort((a, b) => (place(a).f - place(b).f) * sign)[0];
  };

  document.addEventListener("click", ({ target }) => {
    const anchor = target.closest('.slice, aside a[href^="#slice-"]');
    if (!anchor) return;
    const href = anchor.getAttribute("href");
    choose(Number(href.slice("#slice-".length)));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
    const box = document.activeElement.closest(".slice");
    if (!box || !/^Arrow/.test(event.key)) return;
    event.preventDefault();
    const next = step(Number(box.dataset.slice), event.key);
    if (next === undefined) return;
    boxes[next].focus();
    choose(next);
  });
  boxes.forEach((box, at) => {
    box.addEventListener("click", (event) => event.preventDefault());
    box.addEventListener("pointerenter", () => trace(at));
    box.addEventListener("pointerleave", () => trace(chosen));
  });
  find("#search").addEventListener("input", search);
  find("#search").addEventListener("keydown", ({ key }) => {
    const first = rows.findIndex((row) => !row.hidden);
    if (key === "Enter" && first >= 0) choose(first);
  });
  find("#fit").addEventListener("click", () => resize(view.clientWidth / pictures[0][1].width));
  find("#full").addEventListener("click", () => resize(1));
  find("#less").addEventListener("click", () => resize(zoom / 1.25));
  find("#more").addEventListener("click", () => resize(zoom * 1.25));
  list(".tools, aside").forEach((part) => part.removeAttribute("hidden"));
  const linked = rows.findIndex((row) => `#${row.id}` === location.hash);
  if (linked >= 0) choose(linked);
})();
