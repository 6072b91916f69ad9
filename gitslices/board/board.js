// All goals: waves, cards, what waits and what may be merged. Kept up to date by one stream.

import { count, find, make, name, tellLeft } from "./parts.js";
import { closeSlice, moveInSlice, openSlice, refreshSlice } from "./slice.js";

let board = null;
let here = null; // the key of the chosen slice
let sought = "";
const cards = new Map(); // by key: the element, and what it was made from
const nodes = new Map();

const keyOf = (slice) => JSON.stringify([slice.goal, slice.id]);
const all = () => (board ? board.goals.flatMap((goal) => goal.slices) : []);

const matches = (slice) => {
  if (!sought) return true;
  const { state } = slice;
  const texts = [slice.name, slice.title, slice.word, state.holder ?? "", ...slice.write_scope];
  return sought.split(/\s+/).every((word) =>
    texts.some((text) => text.toLowerCase().includes(word)));
};

const listFacts = (slice) => {
  const { state } = slice;
  const facts = [];
  if (state.holder) facts.push(`${state.holder}, ${tellLeft(state.expires_at)}`);
  else if (state.lapsed) facts.push(`lapsed: ${state.lapsed}`);
  if (state.ahead) facts.push(count(state.ahead, "commit"));
  if (state.behind && state.status !== "merged") facts.push(`${state.behind} behind`);
  if (state.dirty) facts.push("uncommitted changes");
  return facts.join(" · ");
};

const makeCard = (slice) => {
  const { state } = slice;
  const waits = state.status === "planned" || state.status === "provisioned" ? slice.waits : [];
  const line = (kind, text) => (text ? make("p", { class: kind }, text) : null);
  return make("article", { class: `card ${slice.word}`, id: `card-${cards.size}`, "data-key": keyOf(slice) },
    make("div", { class: "top" },
      make("a", { class: "id", href: name(slice) }, slice.name),
      make("span", { class: `word is-${slice.word}` }, slice.word)),
    slice.title === slice.name ? null : line("", slice.title),
    line("soft", listFacts(slice)),
    slice.is_critical ? line("tag", "on the critical path") : null,
    line("ask", state.waiting ? `waits for a person: ${state.waiting}` : ""),
    line("bad", state.failed ? `attempt ${state.failed.attempt} failed: ${state.failed.message}` : ""),
    line("bad", state.conflicts.length ? `conflicts in ${state.conflicts.join(", ")}` : ""),
    line("bad", state.problem ?? ""),
    line("soft", waits.length ? `waits for ${waits.map((one) => one.name).join(", ")}` : ""),
    line("soft line", `writes ${slice.write_scope.join(", ")}`),
    line("soft", slice.reviews.join("; ")),
    line("soft line", slice.line),
    slice.link ? make("p", {}, make("a", { href: slice.link, rel: "noreferrer", target: "_blank" },
      "pull request")) : null);
};

const makeNode = (slice) => {
  const mark = slice.is_critical ? " critical" : "";
  const node = make("a", {
    class: `node ${slice.word}${mark}`, href: name(slice), "data-key": keyOf(slice),
    title: `${slice.name}: ${slice.word}`,
  }, make("span", { class: "id" }, slice.name), make("span", { class: "unseen" }, slice.word));
  node.addEventListener("mouseenter", () => trace(slice));
  node.addEventListener("focus", () => trace(slice));
  node.addEventListener("mouseleave", () => trace(null));
  node.addEventListener("blur", () => trace(null));
  return node;
};

// Lights up what a slice waits for and what waits for it, directly or through others.
const trace = (slice) => {
  document.querySelectorAll(".waves").forEach((one) => one.classList.toggle("tracing", slice !== null));
  nodes.forEach(({ element }) => element.classList.remove("lit"));
  if (!slice) return;
  const goal = board.goals.find((one) => one.goal === slice.goal);
  const near = (start, step) => {
    const seen = new Set([start]);
    for (const id of seen) step(id).forEach((next) => seen.add(next));
    return seen;
  };
  const before = new Map(goal.slices.map((one) => [one.id, one.state.dependencies]));
  const after = (id) => goal.slices.filter((one) => one.state.dependencies.includes(id)).map((one) => one.id);
  for (const id of [...near(slice.id, (one) => before.get(one) ?? []), ...near(slice.id, after)]) {
    nodes.get(JSON.stringify([slice.goal, id]))?.element.classList.add("lit");
  }
};

// What has not changed stays the element that it is: rows do not jump, and focus stays.
const keep = (kept, slice, makeOne) => {
  const key = keyOf(slice);
  const from = JSON.stringify(slice);
  const known = kept.get(key);
  if (known?.from === from) return known.element;
  const element = makeOne(slice);
  const hadFocus = known?.element.contains(document.activeElement);
  if (known?.element.isConnected) known.element.replaceWith(element);
  if (hadFocus) (element.matches("a") ? element : find("a", element)).focus();
  kept.set(key, { element, from });
  return element;
};

const fill = (list, elements) => {
  elements.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
  while (list.children.length > elements.length) list.lastChild.remove();
};

const section = (title, content, kind = "") =>
  make("section", { class: kind }, make("h3", {}, title), content);

const makeMeter = (goal) => {
  const total = Math.max(1, goal.slices.length);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${total} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  let left = 0;
  for (const [number, colour] of [[goal.merged, "--landed"], [goal.under_way, "--busy"]]) {
    const bar = document.createElementNS(svg.namespaceURI, "rect");
    for (const [key, value] of Object.entries({ x: left, width: number, height: 1, fill: `var(${colour})` })) {
      bar.setAttribute(key, value);
    }
    svg.append(bar);
    left += number;
  }
  return make("div", { class: "meter" }, svg);
};

const tellGoal = (goal) => {
  const rest = goal.path.length ? ` · what is left costs ${goal.cost_left} by ${goal.path.length} slices` : "";
  return `target ${goal.target} · ${goal.merged} merged, ${goal.under_way} under way, ${goal.left} left${rest}`;
};

const listPeople = (goal) => goal.slices.flatMap((slice) => [
  ...(slice.state.waiting ? [make("li", {}, link(slice), `: ${slice.state.waiting}`)] : []),
  ...slice.state.asked.map((one) => make("li", {}, link(slice),
    `: ${one.slice_id} asks to write ${one.pattern}: ${one.reason}`)),
]);

const link = (slice) => make("a", { class: "id", href: name(slice) }, slice.name);

const listQueue = (goal) => goal.slices.filter((slice) => slice.queue !== null).map((slice) =>
  make("li", {}, link(slice), slice.queue ? ` ${slice.queue}` : " may be merged"));

const listWaits = (goal) => goal.slices.filter(
  (slice) => slice.waits.length && ["planned", "provisioned"].includes(slice.state.status),
).map((slice) => make("li", {}, link(slice),
  ` waits for ${slice.waits.map((one) => `${one.name} (${one.why})`).join(", ")}`));

const wrapList = (items, empty) => (items.length ? make("ul", {}, ...items) : make("p", { class: "soft" }, empty));

const drawGoal = (goal, place) => {
  const id = `goal-${place}`;
  const old = document.getElementById(id);
  const frame = old ?? make("section", { class: "goal", id },
    make("h2"), make("p", { class: "soft" }), make("div", { class: "meters" }),
    section("Waves", make("div", { class: "waves", tabindex: "0", role: "region", "aria-label": "Waves" })),
    make("div", { class: "split" },
      section("Slices", make("div", { class: "cards" })),
      make("div", { class: "side" })));
  find("h2", frame).textContent = goal.name;
  find("p", frame).textContent = goal.problem ? `${tellGoal(goal)} (${goal.problem})` : tellGoal(goal);
  find(".meters", frame).replaceChildren(makeMeter(goal));
  const waves = find(".waves", frame);
  fill(waves, goal.waves.map((members, number) => {
    const landed = members.filter((at) => goal.slices[at].state.status === "merged").length;
    const column = waves.children[number] ?? make("div", { class: "wave" }, make("p"), make("ul"));
    find("p", column).textContent = `wave ${number} · ${landed} of ${members.length}`;
    fill(find("ul", column), members.map((at) => {
      const node = keep(nodes, goal.slices[at], makeNode);
      return node.closest("li") ?? make("li", {}, node);
    }));
    return column;
  }));
  fill(find(".cards", frame), goal.slices.map((slice) => keep(cards, slice, makeCard)));
  find(".side", frame).replaceChildren(
    ...(listPeople(goal).length ? [section("Waits for a person", wrapList(listPeople(goal), ""))] : []),
    section("To be merged", wrapList(listQueue(goal), "nothing is done")),
    section("Who waits for whom", wrapList(listWaits(goal), "nobody waits")));
  if (!old) find("#goals").append(frame);
};

const filter = () => {
  for (const slice of all()) {
    const fits = matches(slice);
    const card = cards.get(keyOf(slice)).element;
    card.hidden = !fits;
    card.classList.toggle("here", keyOf(slice) === here);
    if (keyOf(slice) === here) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
};

const draw = () => {
  const trouble = find("#trouble");
  trouble.hidden = !board.error;
  trouble.textContent = board.error ? [board.error.message, board.error.hint].filter(Boolean).join("; ") : "";
  const goals = find("#goals");
  if (!find(".goal", goals)) goals.replaceChildren();
  while (goals.children.length > board.goals.length) goals.lastChild.remove();
  board.goals.forEach(drawGoal);
  const merged = board.goals.reduce((sum, goal) => sum + goal.merged, 0);
  find("#sum").textContent = board.goals.length
    ? `${merged} of ${count(all().length, "slice")} merged${board.user ? "" : " · read-only"}` : "";
  document.title = board.goals.length ? `${merged}/${all().length} · gitslices` : "gitslices";
  filter();
};

const choose = (step) => {
  const shown = all().filter(matches);
  if (!shown.length) return;
  const at = shown.findIndex((slice) => keyOf(slice) === here);
  const next = at < 0 ? (step > 0 ? 0 : shown.length - 1) : Math.min(shown.length - 1, Math.max(0, at + step));
  here = keyOf(shown[next]);
  filter();
  const card = cards.get(here).element;
  card.scrollIntoView({ block: "nearest" });
  find("a", card).focus({ preventScroll: true });
};

const findAtHash = () => {
  const [, goal, id] = location.hash.split("/").map(decodeURIComponent);
  return all().find((slice) => slice.goal === goal && slice.id === id) ?? null;
};

const route = () => {
  const slice = location.hash.startsWith("#/") ? findAtHash() : null;
  find("#all").hidden = slice !== null;
  find("#one").hidden = slice === null;
  if (slice) {
    here = keyOf(slice);
    openSlice(slice, board);
    return;
  }
  closeSlice();
  filter();
  if (here && cards.has(here)) {
    const card = cards.get(here).element;
    card.scrollIntoView({ block: "nearest" });
    find("a", card).focus({ preventScroll: true });
  }
};

const goBack = () => {
  if (location.hash.length > 1) location.hash = "";
};

const onKey = (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (event.key === "Escape") {
    if (!typing) goBack();
    else if (event.target.id === "find") {
      event.target.value = sought = "";
      filter();
      event.target.blur();
    }
    return;
  }
  if (typing) {
    if (event.key === "Enter" && event.target.id === "find") choose(1);
    return;
  }
  const inSlice = !find("#one").hidden;
  const acts = {
    j: () => (inSlice ? moveInSlice(1) : choose(1)),
    k: () => (inSlice ? moveInSlice(-1) : choose(-1)),
    "/": () => { goBack(); find("#find").focus(); },
    "?": () => find("#help").showModal(),
  };
  // With the focus on a link or a button Enter is the browser's.
  if (event.key === "Enter" && !inSlice && here && event.target === document.body) {
    location.hash = find("a", cards.get(here).element).hash;
  } else if (acts[event.key]) {
    event.preventDefault();
    acts[event.key]();
  }
};

const connect = () => {
  const stream = new EventSource("events");
  const say = (text, lost) => {
    find("#link span:last-child").textContent = text;
    find("#link").classList.toggle("lost", lost);
  };
  stream.onopen = () => say("live", false);
  stream.onerror = () => say("no connection: is gitslices board still running?", true);
  stream.onmessage = (event) => {
    const first = board === null;
    board = JSON.parse(event.data);
    draw();
    if (first) route();
    else if (!find("#one").hidden) {
      const slice = findAtHash();
      if (slice) refreshSlice(slice, board);
      else goBack();
    }
  };
};

find("#find").addEventListener("input", (event) => {
  sought = event.target.value.trim().toLowerCase();
  filter();
});
find("#keys").addEventListener("click", () => find("#help").showModal());
addEventListener("keydown", onKey);
addEventListener("hashchange", route);
// Times go on between two events.
setInterval(() => {
  for (const slice of all()) {
    const facts = slice.state.holder && find(".soft", cards.get(keyOf(slice)).element);
    if (facts) facts.textContent = listFacts(slice);
  }
}, 20_000);
connect();
