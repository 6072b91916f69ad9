// What both views are made of. Texts from the repository go into text nodes only.

export const find = (query, within = document) => within.querySelector(query);

export const make = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};

export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

export const tellLeft = (at) => {
  const seconds = Math.round((Date.parse(at) - Date.now()) / 1000);
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "m"]].find(
    ([size]) => Math.abs(seconds) >= 2 * size) ?? [1, "s"];
  const amount = Math.round(Math.abs(seconds) / size);
  return seconds > 0 ? `${amount}${unit} left` : `${amount}${unit} ago`;
};

export const name = (slice) => `#/${encodeURIComponent(slice.goal)}/${encodeURIComponent(slice.id)}`;

export const ask = async (path, parameters) => {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`);
  const said = await answer.json();
  if (!answer.ok) throw new Error([said.error.message, said.error.hint].filter(Boolean).join("; "));
  return said;
};

export const send = async (wish) => {
  const answer = await fetch("act", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wish),
  });
  return answer.json();
};
