// The page of one slice, and what can be done to it.

import { ask, find, make, send } from "./parts.js";

let shown = null; // the slice of the page
let from = "";
let board = null;
let at = -1; // the chosen file
let seen = ""; // the commit whose changes are on the page

const page = () => find("#one");

const facts = (pairs) => make("dl", { class: "facts" }, ...pairs.flatMap(([term, value]) =>
  (value === null || value === "" || value?.length === 0
    ? [] : [make("dt", {}, term), make("dd", {}, ...(Array.isArray(value) ? join(value) : [value]))])));

const join = (values) => values.flatMap((value, place) => (place ? [", ", value] : [value]));
const code = (text) => make("code", {}, text);
const lines = (list) => make("pre", { class: "text", tabindex: "0" }, ...list.map((line) => make("span", {}, line)));

const makeFile = (file) => {
  const kinds = { "+": "new", "-": "old", "@": "at", "\\": "at" };
  const body = file.lines === null ? make("p", { class: "soft" }, " not shown: no text, or too long")
    : make("pre", { tabindex: "0" }, ...file.lines.map((line) =>
      make("span", { class: kinds[line[0]] ?? "" }, line || " ")));
  const parts = make("details", { class: file.outside ? "file outside" : "file", open: true },
    make("summary", {}, code(file.path), " ",
      make("span", { class: "plus" }, `+${file.added}`), " ",
      make("span", { class: "minus" }, `−${file.removed}`),
      file.outside ? make("strong", { class: "bad" }, ` outside the scope: ${file.outside}`) : ""),
    body);
  return parts;
};

const listChanges = (changes) => {
  if (changes.error) return [make("p", { class: "soft" }, changes.error)];
  const outside = changes.outside.map((one) => make("p", { class: "bad" },
    "not committed, outside the scope: ", code(one.path), ` ${one.reason}`));
  const files = changes.files.map(makeFile);
  return [...outside, ...(files.length ? files : [make("p", { class: "soft" }, "nothing is committed")])];
};

const listActions = (slice) => make("div", { class: "acts" },
  ...slice.actions.map((action) => make("button", { type: "button", onclick: () => openDialog(action, slice) },
    board.actions[action].label)),
  ...(board.user ? slice.state.asked.map((one) => make("button", {
    type: "button",
    onclick: () => openDialog("grant", { ...slice, goal: one.goal_id, id: one.slice_id, name: one.slice_id }, { pattern: one.pattern }),
  }, `Grant ${one.pattern} to ${one.slice_id}`)) : []));

const draw = (slice, known) => {
  const { show } = known;
  seen = known.changes.commit ?? "";
  const state = slice.state;
  page().replaceChildren(
    make("p", { class: "back" }, make("a", { href: "#" }, "← all slices")),
    make("h2", {}, make("span", { class: "id" }, slice.name), " ",
      make("span", { class: `word is-${slice.word}` }, slice.word)),
    make("p", {}, slice.title === slice.name ? "" : slice.title),
    make("p", { class: "soft" }, show.description),
    ...(state.waiting ? [make("p", { class: "ask" }, `waits for a person: ${state.waiting}`)] : []),
    ...(state.failed ? [make("p", { class: "bad" }, `attempt ${state.failed.attempt} failed: ${state.failed.message}`)] : []),
    ...(state.problem ? [make("p", { class: "bad" }, state.problem)] : []),
    listActions(slice),
    facts([
      ["holder", state.holder ? `${state.holder}, until ${new Date(state.expires_at).toLocaleTimeString()}` : ""],
      ["waits for", slice.waits.map((one) => `${one.name}: ${one.why}`).join("; ")],
      ["branch", code(show.state.branch_name)],
      ["worktree", code(show.state.worktree_path)],
      ["writes", [...show.write_scope, ...show.allowed_scope].map(code)],
      ["reads", show.read_scope.map(code)],
      ["done when", show.acceptance.join("; ")],
      ["gates", show.gate_states.map((one) => `${one.gate}: ${one.state}${one.reason ? ` (${one.reason})` : ""}`).join("; ")],
      ["reviews", show.reviews.map((one) => `${one.kind} by ${one.reviewer}: ${one.verdict}${one.note ? ` (${one.note})` : ""}`).join("; ")],
      ["keeps it from being merged", known.missing.map((one) => one.message).join("; ")],
      ["conflicts", state.conflicts.map(code)],
      ["uncommitted", (show.work?.uncommitted ?? []).map(code)],
    ]),
    make("h3", {}, `Changes against ${show.target}`),
    ...listChanges(known.changes),
    make("div", { id: "output" }),
    ...(known.commits.length ? [make("h3", {}, "Commits"),
      lines(known.commits.map((one) => `${one.commit.slice(0, 10)}  ${one.author}  ${one.subject}`))] : []),
    ...(known.attempts.length ? [make("h3", {}, "Attempts"), lines(known.attempts)] : []),
    make("h3", {}, "Log"), lines(known.log));
  at = -1;
};

const drawOutput = async (slice) => {
  const known = await ask("output", { id: slice.id, goal: slice.goal });
  const place = find("#output");
  if (shown?.id !== slice.id || !place || known.error) return;
  const old = find("pre", place);
  const atEnd = !old || old.scrollTop + old.clientHeight >= old.scrollHeight - 8;
  const text = lines(known.lines.length ? known.lines : ["nothing yet"]);
  place.replaceChildren(make("h3", {}, `Output of attempt ${known.attempt}`), text);
  text.scrollTop = atEnd ? text.scrollHeight : old.scrollTop;
};

const load = async (slice) => {
  try {
    const known = await ask("slice", { id: slice.id, goal: slice.goal });
    // Another one may have been opened meanwhile.
    if (shown?.goal !== slice.goal || shown?.id !== slice.id) return false;
    const top = scrollY;
    draw(slice, known);
    await drawOutput(slice);
    scrollTo(0, top);
  } catch (error) {
    page().replaceChildren(make("p", { class: "back" }, make("a", { href: "#" }, "← all slices")),
      make("p", { class: "bad" }, error.message));
  }
  return true;
};

export const openSlice = async (slice, now) => {
  board = now;
  shown = slice;
  from = compare(slice);
  page().replaceChildren(make("p", { class: "soft" }, "reading"));
  scrollTo(0, 0);
  if (await load(slice)) page().focus({ preventScroll: true });
};

// What a command prints changes often, and is no reason to ask git.
const compare = (slice) => JSON.stringify({ ...slice, line: "" });

export const refreshSlice = async (slice, now) => {
  board = now;
  const before = shown;
  shown = slice;
  if (compare(slice) !== from) {
    from = compare(slice);
    await load(slice);
  } else if (before?.line !== slice.line) await drawOutput(slice);
};

export const closeSlice = () => {
  shown = null;
  page().replaceChildren();
};

export const moveInSlice = (step) => {
  const files = [...page().querySelectorAll(".file")];
  if (!files.length) return;
  at = Math.min(files.length - 1, Math.max(0, at + step));
  files.forEach((file, place) => file.classList.toggle("here", place === at));
  files[at].scrollIntoView({ block: "start" });
  find("summary", files[at]).focus({ preventScroll: true });
};

const makeField = (field, slice, presets) => {
  const value = presets[field.name] ?? "";
  const input = field.kind === "review"
    ? make("select", { name: field.name }, ...slice.review_needs.map((one) => make("option", { value: one }, one)))
    : make("input", { name: field.name, value, required: field.required, autocomplete: "off" });
  return make("label", {}, field.label, input);
};

const openDialog = (action, slice, presets = {}) => {
  const { label, asks, fields } = board.actions[action];
  const dialog = find("#ask");
  const commit = seen; // the page may go on beneath the dialog
  const command = make("code", { class: "command" });
  const result = make("p", { class: "result", role: "status" });
  const go = make("button", { class: "main", type: "submit" }, label);
  const form = make("form", {}, ...fields.map((field) => makeField(field, slice, presets)),
    ...(asks ? [make("p", { class: "warn" }, asks)] : []),
    make("p", { class: "soft" }, "The same in a terminal:"), command, result,
    make("div", { class: "acts" },
      make("button", { type: "button", onclick: () => dialog.close() }, "Close"), go));
  const wish = (more) => ({
    action, goal: slice.goal, id: slice.id, ...more,
    fields: { ...Object.fromEntries(new FormData(form)), commit },
  });
  const name = async () => { command.textContent = (await send(wish({ only_name: true }))).command ?? ""; };
  form.addEventListener("input", name);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    result.textContent = "at work";
    const said = await send(wish({}));
    result.classList.toggle("bad", !said.ok);
    result.textContent = said.error
      ? [said.error.message, ...(said.error.problems ?? []).map((one) => one.message), said.error.hint].filter(Boolean).join("\n")
      : said.text;
    go.disabled = said.ok;
  });
  dialog.replaceChildren(make("h2", { id: "ask-title" }, `${label}: ${slice.name}`), form);
  dialog.showModal();
  name();
};
