// The gallery of misses: chosen by label, leafed through by page, one at a time in a dialog. Without it all are shown.
(() => {
  const gallery = document.getElementById("gallery");
  if (!gallery) return;
  const PAGE = 60;
  const all = [...gallery.querySelectorAll("button")];
  const section = gallery.closest("section");
  const form = section.querySelector("form");
  const { truth, read, back, on } = form.elements;
  const dialog = section.querySelector("dialog");
  const command = dialog.querySelector("textarea");
  const tool = (name) => dialog.querySelector(`[name=${name}]`);
  let chosen = all; // the misses with the chosen labels
  let page = 0;
  let open = 0; // which of the chosen ones the dialog shows

  function turn(to) {
    page = to;
    const first = page * PAGE;
    const last = Math.min(first + PAGE, chosen.length);
    const visible = new Set(chosen.slice(first, last));
    for (const button of all) button.parentElement.hidden = !visible.has(button);
    form.querySelector("output").textContent = chosen.length ? `${first + 1} to ${last} of ${chosen.length}` : "none";
    back.disabled = page === 0;
    on.disabled = last >= chosen.length;
  }

  function choose() {
    const fits = (value, select) => !select.value || value === select.value;
    chosen = all.filter((button) => fits(button.dataset.truth, truth) && fits(button.dataset.read, read));
    turn(0);
  }

  // The image's PNG is one zlib stream of unfiltered lines, so its pixels are exact where a canvas may blur them.
  async function pixels(image) {
    const png = Uint8Array.from(atob(image.src.split(",")[1]), (letter) => letter.charCodeAt(0));
    const zlib = new Blob([png.subarray(41, png.length - 16)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(zlib).arrayBuffer()).filter((_, at) => at % 29);
  }

  async function curl(image) {
    const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    const bytes = await pixels(image);
    const request = `curl -s ${quoted(section.dataset.uri)} -H "Authorization: Bearer $SCORING_KEY"`;
    if (section.dataset.body === "json") {
      return `${request} -H 'Content-Type: application/json' -d '{"data": [[${[...bytes].map((byte) => byte / 255)}]]}'`;
    }
    const encoded = btoa(String.fromCharCode(...bytes));
    return `echo ${encoded} | base64 -d | ${request} -H 'Content-Type: application/vnd.digits.uint8' --data-binary @-`;
  }

  async function show(at) {
    open = at;
    const button = chosen[at];
    const { row, truth: is, read: as, sure } = button.dataset;
    dialog.querySelector("h3").textContent = `Row ${row}: is ${is}, was read as ${as}${sure ? `, ${sure.replace(" ", "\u00a0")} sure` : ""}`;
    dialog.querySelector("img").src = button.querySelector("img").src;
    tool("back").disabled = at === 0;
    tool("on").disabled = at === chosen.length - 1;
    tool("copy").textContent = "Copy";
    command.value = "";
    if (!dialog.open) dialog.showModal();
    const text = await curl(button.querySelector("img"));
    if (open === at) command.value = text;
  }

  const step = (by) => chosen[open + by] && show(open + by);

  gallery.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(chosen.indexOf(button));
  });
  gallery.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = chosen.indexOf(document.activeElement) + (by ?? 0);
    if (!by || !chosen[at]) return;
    event.preventDefault();
    turn(Math.floor(at / PAGE));
    chosen[at].focus();
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && event.target !== command) step(by);
  });
  dialog.addEventListener("close", () => {
    turn(Math.floor(open / PAGE));
    chosen[open].focus();
  });
  tool("back").addEventListener("click", () => step(-1));
  tool("on").addEventListener("click", () => step(1));
  tool("close").addEventListener("click", () => dialog.close());
  tool("copy").addEventListener("click", async () => {
    command.select();
    await navigator.clipboard?.writeText(command.value).then(() => { tool("copy").textContent = "Copied"; }, () => {});
  });
  form.addEventListener("change", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  back.addEventListener("click", () => turn(page - 1));
  on.addEventListener("click", () => turn(page + 1));
  for (const link of document.querySelectorAll("a[data-truth]")) {
    link.addEventListener("click", () => {
      truth.value = link.dataset.truth;
      read.value = link.dataset.read;
      choose();
    });
  }
  form.hidden = false;
  turn(0);
})();
