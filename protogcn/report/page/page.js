// Sort every table; compare two runs class by class. No text is ever read as html.

const library = new Blob([document.getElementById("datatables").textContent], {
  type: "text/javascript",
});
const { default: DataTable } = await import(URL.createObjectURL(library));
const data = JSON.parse(document.getElementById("data").textContent);

const LOOK = { paging: false, info: false, autoWidth: false, order: [], layout: { topEnd: null } };

for (const table of document.querySelectorAll("table.sortable")) {
  new DataTable(table, { ...LOOK, columnDefs: [{ targets: "number", type: "num" }] });
}
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

const byId = (id) => document.getElementById(id);
if (Object.keys(data.tasks).length) startComparison();

function startComparison() {
  const [task, run, other] = ["task", "run", "other"].map(byId);
  const text = DataTable.render.text();
  const number = (digits, show = (value) => value.toFixed(digits)) => ({
    type: "num",
    className: "number",
    render: (value, what) =>
      what === "display" ? (value === null ? "\u2013" : show(value)) : (value ?? ""),
  });
  const table = new DataTable("#comparison", {
    ...LOOK,
    order: [[1, "desc"]],
    language: { zeroRecords: "No class has this name." },
    columns: [
      { title: "class", data: "name", render: text },
      { title: "difference", data: "difference", ...number(1, (value) => signed(value)) },
      { title: "run", data: "first", ...number(1) },
      { title: "other run", data: "second", ...number(1) },
      { title: "clips", data: "clips", ...number(0) },
      { title: "most changed confusion", data: "confusion", render: text },
    ],
    createdRow: (row, entry) => {
      row.cells[1].classList.toggle("better", entry.difference > 0);
      row.cells[1].classList.toggle("worse", entry.difference < 0);
    },
  });

  function show() {
    const { classes, runs } = data.tasks[task.value];
    const rows = classes.map((name, own) =>
      compare(name, own, classes, runs[run.value][own], runs[other.value][own]),
    );
    table.clear().rows.add(rows).draw();
    for (const [column, select] of [[2, run], [3, other]]) {
      table.column(column).title(select.value);
    }
    byId("summary").textContent = summary(rows, run.value, other.value);
    byId("settings").textContent = differences(task.value, run.value, other.value);
  }
  function fillRuns() {
    const runs = Object.keys(data.tasks[task.value].runs);
    fill(run, runs, runs[0]);
    fill(other, runs, runs[1] ?? runs[0]);
    show();
  }
  fill(task, Object.keys(data.tasks), Object.keys(data.tasks)[0]);
  fillRuns();
  task.addEventListener("change", fillRuns);
  for (const select of [run, other]) select.addEventListener("change", show);
  byId("find").addEventListener("input", (event) =>
    table.column(0).search(event.target.value, false, false).draw(),
  );
  byId("choice").addEventListener("submit", (event) => event.preventDefault());
}

function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
}

/** One row: the clips of a class in both runs, given as [class, clips, class, clips, ...]. */
function compare(name, own, classes, first, second) {
  const [a, b] = [counts(first), counts(second)];
  const clips = [...a.values()].reduce((sum, count) => sum + count, 0);
  const share = (run) => (clips ? (100 * (run.get(own) ?? 0)) / clips : null);
  let most = null;
  for (const taken of new Set([...a.keys(), ...b.keys()])) {
    const change = Math.abs((a.get(taken) ?? 0) - (b.get(taken) ?? 0));
    if (taken !== own && change > (most?.change ?? 0)) most = { taken, change };
  }
  return {
    name,
    clips,
    correct: [a.get(own) ?? 0, b.get(own) ?? 0],
    first: share(a),
    second: share(b),
    difference: clips ? share(a) - share(b) : null,
    confusion: most
      ? `${classes[most.taken]}: ${b.get(most.taken) ?? 0} \u2192 ${a.get(most.taken) ?? 0}`
      : "",
  };
}

function counts(list) {
  const found = new Map();
  for (let i = 0; i < list.length; i += 2) found.set(list[i], list[i + 1]);
  return found;
}

function signed(value, digits = 1) {
  const sign = value > 0 ? "+" : value < 0 ? "\u2212" : "";
  return sign + Math.abs(value).toFixed(digits);
}

function summary(rows, run, other) {
  const clips = rows.reduce((sum, row) => sum + row.clips, 0);
  const [first, second] = [0, 1].map(
    (i) => (100 * rows.reduce((sum, row) => sum + row.correct[i], 0)) / clips,
  );
  const count = (test) => rows.filter((row) => row.clips && test(row.difference)).length;
  return (
    `${run}: ${first.toFixed(2)} %, ${other}: ${second.toFixed(2)} % of ${clips} clips` +
    ` (${signed(first - second, 2)} points). ${count((d) => d > 0)} classes better,` +
    ` ${count((d) => d === 0)} the same, ${count((d) => d < 0)} worse.`
  );
}

function differences(task, run, other) {
  const { runs, differing } = data.facts;
  const [first, second] = [run, other].map((name) => runs.indexOf(`${task}/${name}`));
  const changed = Object.entries(differing)
    .filter(([, texts]) => texts[first] !== texts[second])
    .map(([name, texts]) => `${name} ${shortened(texts[first])} against ${shortened(texts[second])}`);
  return changed.length ? `They differ in ${changed.join("; ")}.` : "Nothing else differs.";
}

function shortened(text) {
  return text.length > 24 ? `${text.slice(0, 12)}\u2026` : text || "\u2013";
}
