(() => {
  const form = document.getElementById("filter");
  const output = form.querySelector("output");
  const pages = [...document.querySelectorAll("section.page")].map((section) => {
    const table = section.querySelector("table.matrix");
    const heads = [...table.querySelectorAll("tr.names th")].slice(1, -3);
    const lines = new Map([...section.querySelectorAll(".worst li")].map((line) => [line.dataset.unit, line]));
    return {
      section,
      fields: table.querySelector("tr.fields"),
      heads,
      names: heads.map((head) => head.textContent.toLowerCase()),
      area: section.querySelector("h3").textContent.toLowerCase(),
      totals: [...table.tFoot.rows],
      rows: [...table.tBodies[0].rows].map((row) => ({
        row,
        name: row.cells[0].textContent.toLowerCase(),
        cells: [...row.cells].slice(1, -3),
        line: lines.get(row.dataset.unit),
      })),
    };
  });
  const has = {
    "": () => true,
    f: (cell) => cell.classList.contains("f"),
    n: (cell) => cell.classList.contains("n"),
    b: (cell) => cell.classList.contains("b"),
    e: (cell) => cell.classList.contains("e"),
  };
  function apply() {
    const wanted = form.elements.text.value.trim().toLowerCase();
    const verdict = form.elements.verdict.value;
    const filtering = wanted !== "" || verdict !== "";
    let shown = 0;
    let all = 0;
    for (const page of pages) {
      const columns = page.names.map((name) => wanted !== "" && name.includes(wanted));
      const byClass = columns.some(Boolean);
      const byArea = page.area.includes(wanted);
      page.heads.forEach((head, i) => { head.hidden = byClass && !columns[i]; });
      page.fields.hidden = byClass;
      for (const foot of page.totals) {
        foot.hidden = filtering;
      }
      let any = false;
      for (const { row, name, cells, line } of page.rows) {
        cells.forEach((cell, i) => { cell.hidden = byClass && !columns[i]; });
        const judged = cells.filter((cell, i) => !byClass || columns[i]);
        const named = wanted === "" || byClass || byArea || name.includes(wanted);
        const fits = verdict === "ok" ? judged.every((cell) => cell.classList.contains("p")) : judged.some(has[verdict]);
        row.hidden = !(named && fits);
        if (line) line.hidden = row.hidden;
        all += 1;
        if (!row.hidden) { shown += 1; any = true; }
      }
      page.section.hidden = !any;
    }
    output.textContent = filtering ? output.dataset.words.replace("##", all).replace("#", shown) : "";
  }
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
