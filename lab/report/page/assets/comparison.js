// The comparison: its rows are filtered by what they are about and by their verdict.
function update() {
  filterTables();
  const rows = [...document.querySelectorAll("tr[data-change]")];
  announce(`${rows.filter((row) => !row.hidden).length} of ${rows.length} comparisons shown`);
}

for (const [facet, title] of Object.entries(data.titles)) makeFilter(facet, title, data.facets[facet]);
update();
