"use strict";
// Shows the cell that the address names; without one, the table. Texts of
// scenarios become text nodes, never markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = (place) => data.texts[place];
  const overview = document.getElementById("overview");
  const view = document.getElementById("cell");
  const missing = document.getElementById("missing");
  const links = [...document.querySelectorAll("#matrix a")];
  let opened = links[0];

  // element("p", { class: "x" }, "text", anotherElement)
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const list = (pairs) => element("dl", {}, ...pairs.flatMap(([term, what]) =>
    [element("dt", {}, term), element("dd", {}, what)]));

  // A drawing is XML of our own making; what is no XML is not shown.
  function drawing(source, label) {
    const svg = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
    if (svg.nodeName !== "svg") return element("p", {}, "The picture cannot be shown.");
    svg.setAttribute("aria-label", label);
    return element("div", { class: "picture", tabindex: "0" }, document.importNode(svg, true));
  }

  // The values of all objects after so many steps.
  function valuesAfter(execution, count) {
    const values = execution.objects.map(([, first]) => first);
    for (const step of execution.steps.slice(0, count)) {
      for (const [object, value] of step[3]) values[object] = value;
    }
    return values;
  }

  function player(execution) {
    const total = execution.steps.length;
    // Barriers and violations are no steps: they have the number of the one before.
    const numbers = [0];
    for (const step of execution.steps) numbers.push(step[5] ?? numbers[numbers.length - 1]);
    const slider = element("input", { type: "range", min: 0, max: total, value: 0, "aria-label": "step", oninput: show });
    const position = element("output");
    const now = element("div", { class: "now", "aria-live": "polite" });
    const rows = element("tbody");
    const by = (difference) => () => { slider.value = Number(slider.value) + difference; show(); };

    function show() {
      const count = Number(slider.value);
      const before = valuesAfter(execution, Math.max(count - 1, 0));
      const after = valuesAfter(execution, count);
      position.textContent = `step ${numbers[count]} of ${numbers[total]}`;
      slider.setAttribute("aria-valuetext", position.textContent);
      if (count === 0) {
        now.replaceChildren(element("p", {}, "The initial state. Move the slider, or use the arrow keys on it."));
      } else {
        const [thread, calls, words, , kind] = execution.steps[count - 1];
        now.replaceChildren(
          element("p", {}, element("b", {}, `Thread ${text(execution.threads[thread])}`)),
          element("p", { class: "calls" }, element("code", {}, calls.map((call) => `${text(call)}()`).join(" › "))),
          element("p", {}, kind === null ? "" : element("b", {}, `!! ${text(kind)}: `), text(words)));
      }
      rows.replaceChildren(...execution.objects.map(([name], place) => {
        const changed = before[place] !== after[place];
        const value = changed ? `${text(before[place])} → ${text(after[place])}` : text(after[place]);
        return element("tr", { class: changed ? "changed" : null },
          element("th", { scope: "row" }, text(name)), element("td", {}, value));
      }));
    }

    show();
    return element("div", { class: "player" },
      element("div", { class: "bar" },
        element("button", { type: "button", onclick: by(-1), "aria-label": "one step back" }, "‹"), slider,
        element("button", { type: "button", onclick: by(1), "aria-label": "one step on" }, "›"), position),
      now,
      element("table", { class: "states", "aria-label": "state after this step" },
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "what"), element("th", { scope: "col" }, "value"))), rows));
  }

  function witness(cell, found) {
    const execution = data.executions[found.execution];
    const preemptions = found.preemptions === 1 ? "1 preemption" : `${found.preemptions} preemptions`;
    return [
      element("p", {}, `${found.sentence} (${found.class}). Shown by ${found.traces} traces; the simplest has ${preemptions}.`),
      ...(found.cause === null ? [] : [element("h2", {}, "In short"), element("p", {}, found.cause)]),
      ...(found.remedies.length === 0 ? [] : [
        element("h2", {}, "What later commits would have changed"),
        element("p", {}, "Each commit that this kernel lacks, alone, in this one schedule; another schedule may still lead there."),
        element("ul", {}, ...found.remedies.map((remedy) => element("li", {}, remedy)))]),
      element("h2", {}, "Step by step"), player(execution),
      element("h2", {}, "The picture"), element("p", {}, found.caption), drawing(text(execution.picture), found.caption),
      element("h2", {}, "The story"), element("pre", { tabindex: "0" }, found.story.map(text).join("\n")),
      element("h2", {}, "Again"),
      element("pre", { tabindex: "0" }, `${cell.explain} --kind ${found.kind}`),
      element("p", {}, "or ", element("code", {}, "stalewake replay"), " and this token: ", element("span", { class: "token" }, found.token)),
    ];
  }

  const classes = { holds: "good", hazard: "doubtful", FATAL: "bad", ERROR: "bad" };

  function showCell(cell) {
    const shown = element("div", { role: "tabpanel" });
    const tabs = cell.kinds.map((found) => element("button", { type: "button", role: "tab", onclick: () => choose(found) }, `${found.kind} (${found.class})`));
    function choose(found) {
      tabs.forEach((tab, place) => tab.setAttribute("aria-selected", cell.kinds[place] === found));
      shown.replaceChildren(...witness(cell, found));
    }
    const expectation = cell.expected === null ? "nothing" : cell.expected.join(", ") || "no kind is reachable";
    const verdict = { true: "as expected", false: "NOT as expected" }[cell.as_expected] ?? "not compared";
    view.replaceChildren(
      element("p", {}, element("a", { href: "#/" }, "‹ all cells")),
      element("h1", {}, cell.id, " ", element("span", { class: `badge ${classes[cell.word] ?? "open"}` }, cell.word)),
      element("p", {}, `${cell.title} (${cell.source})`),
      list([["search", cell.rests_on], ...cell.figures, ["expected", `${expectation}: ${verdict}`], ["because", cell.because ?? "no expectation"],
        ...cell.threads.map(([name, steps]) => [`thread ${name}`, steps])]),
      element("details", {}, element("summary", {}, "The scenario, and the kernel's mechanisms"),
        element("p", {}, cell.story), list(cell.mechanisms)),
      element("h2", {}, cell.kinds.length ? "What can happen" : "Nothing can happen here"),
      cell.kinds.length ? element("div", { class: "tabs", role: "tablist" }, ...tabs) : element("p", {}, "No kind of violation was found."),
      shown);
    const worst = ["fatal", "hazard", "event"].map((name) => cell.kinds.find((found) => found.class === name)).find(Boolean);
    if (worst) choose(worst);
    else shown.replaceChildren(element("h2", {}, "Again"), element("pre", { tabindex: "0" }, cell.explain));
  }

  function route() {
    let id = location.hash.replace(/^#\/?/, "");
    try { id = decodeURIComponent(id); } catch { id = ""; }
    const cell = data.cells.find((one) => one.id === id);
    missing.textContent = cell || id === "" ? "" : `There is no cell ${id} on this page.`;
    overview.hidden = Boolean(cell);
    view.hidden = !cell;
    document.title = cell ? `${cell.id}: ${cell.word}` : "stalewake: which kernel holds";
    if (cell) {
      opened = links.find((link) => link.dataset.id === id) ?? opened;
      showCell(cell);
      scrollTo(0, 0);
      view.focus({ preventScroll: true });
    } else {
      opened?.focus({ preventScroll: true });
      opened?.scrollIntoView({ block: "nearest" });
    }
  }

  // One link of the table is in the order of Tab; the arrow keys reach the others.
  function move(event) {
    const link = event.target.closest("a");
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!link || !step) return;
    event.preventDefault();
    const rows = [...document.querySelectorAll("#matrix tbody tr")];
    let [row, column] = [rows.indexOf(link.closest("tr")), link.parentElement.cellIndex];
    for (;;) {
      row += step[0];
      column += step[1];
      const cell = rows[row]?.cells[column];
      if (!cell || column < 1) return;
      const next = cell.querySelector("a");
      if (next) { next.focus(); return; }
    }
  }

  const matrix = document.getElementById("matrix");
  matrix.addEventListener("keydown", move);
  matrix.addEventListener("focusin", (event) => links.forEach((link) => { link.tabIndex = link === event.target ? 0 : -1; }));
  links.forEach((link, place) => { link.tabIndex = place === 0 ? 0 : -1; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !view.hidden) location.hash = "#/"; });
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).colorScheme === "dark";
    root.dataset.theme = isDark ? "light" : "dark";
  });
  addEventListener("hashchange", route);
  if (location.hash.length > 2) route();
})();
