"use strict";
(function () {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const plots = Array.from(document.querySelectorAll(".plot, .explorer"));
  const shown = () => Array.from(document.querySelectorAll(".plot, .panel")).filter((plot) => plot.dataset.drawn);
  const NARROW = 480; // pixels
  const template = () => (dark.matches ? themes.dark : themes.light);

  // A title longer than its axis is cut off by plotly: break it at a space near its middle.
  function wrap(text, room) {
    if (text.length <= room || text.includes("<br>")) return text;
    const spaces = Array.from(text.matchAll(/ /g), (match) => match.index);
    const middle = text.length / 2;
    const place = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0];
    return place === undefined ? text : text.slice(0, place) + "<br>" + text.slice(place + 1);
  }

  function wrapTitles(layout, width) {
    for (const key of Object.keys(layout)) {
      const axis = layout[key];
      if (!/^[xy]axis\d*$/.test(key) || !axis.title || !axis.title.text) continue;
      axis.title.text = wrap(axis.title.text, key[0] === "x" ? width / 9 : 36);
    }
  }

  // Panels side by side are too small on a phone: put them below each other.
  function stack(layout) {
    const panels = [];
    for (const key of Object.keys(layout)) {
      if (/^scene\d*$/.test(key)) {
        const { x, y } = layout[key].domain || {};
        if (x && y) panels.push({ x, y, move: (slot) => (layout[key].domain = { x: [0, 1], y: slot }) });
      } else if (/^xaxis\d*$/.test(key)) {
        const axis = layout[key];
        const other = layout["yaxis" + (axis.anchor || "y").slice(1)];
        if (!axis.domain || !other || !other.domain || other.overlaying) continue;
        const move = (slot) => {
          axis.domain = [0, 1];
          other.domain = slot;
          axis.showticklabels = other.showticklabels = true;
        };
        panels.push({ x: axis.domain, y: other.domain, move });
      }
    }
    const rows = new Set(panels.map((panel) => panel.y[0].toFixed(3))).size;
    if (panels.length <= rows) return;
    panels.sort((a, b) => b.y[0] - a.y[0] || a.x[0] - b.x[0]);
    const titles = (layout.annotations || []).filter((note) => note.xref === "paper" && note.yref === "paper");
    const size = 1 / panels.length;
    panels.forEach((panel, place) => {
      const slot = [1 - (place + 1) * size + 0.28 * size, 1 - place * size - 0.07 * size];
      for (const title of titles) {
        const middle = (panel.x[0] + panel.x[1]) / 2;
        if (title.moved || Math.abs(title.x - middle) > 0.02 || Math.abs(title.y - panel.y[1]) > 0.02) continue;
        Object.assign(title, { x: 0.5, y: slot[1], moved: true });
      }
      panel.move(slot);
    });
    titles.forEach((title) => delete title.moved);
    layout.height = ((layout.height || 420) * 0.8 * panels.length) / rows;
  }

  function show(plot, data, given) {
    const layout = Object.assign({}, JSON.parse(JSON.stringify(given)), { template: template(), autosize: true, modebar: { bgcolor: "rgba(0,0,0,0)" } });
    delete layout.width;
    if (plot.clientWidth < NARROW) {
      stack(layout);
      (layout.annotations || []).filter((note) => note.yref === "paper").forEach((note) => (note.font = { size: 12 }));
    }
    if (!layout.title) layout.margin = Object.assign({ t: 20 }, layout.margin);
    if (touch) layout.dragmode = false; // so that a finger scrolls the page
    wrapTitles(layout, plot.clientWidth);
    if (!plot.dataset.drawn) plot.textContent = "";
    if (layout.height) plot.dataset.height = layout.height;
    plot.dataset.drawn = "yes";
    Plotly.react(plot, data, layout, {
      responsive: true,
      displayModeBar: touch ? false : "hover",
      displaylogo: false,
      // Named one by one: none of plotly's buttons that would send the figure somewhere.
      modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
    });
  }

  function draw(plot) {
    if (plot.dataset.drawn) return;
    if (plot.classList.contains("explorer")) return explore(plot);
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    show(plot, figure.data, figure.layout);
  }

  // A figure with sliders: one frame for each combination of their positions, the last fastest.
  function explore(box) {
    box.dataset.drawn = "yes";
    const grid = JSON.parse(box.querySelector("script").textContent);
    const inputs = Array.from(box.querySelectorAll("input"));
    const panels = Array.from(box.querySelectorAll(".panel"));
    const code = box.querySelector("figcaption code");
    const turn = () => {
      let place = 0;
      for (const input of inputs) {
        const values = JSON.parse(input.dataset.values);
        place = place * values.length + Number(input.value);
        input.nextElementSibling.value = values[input.value];
        input.setAttribute("aria-valuetext", values[input.value]);
      }
      grid.frames[place].forEach(([layout, ...traces], index) =>
        show(panels[index], traces.map((trace) => grid.traces[trace]), grid.layouts[layout])
      );
      code.textContent = grid.commands[place];
    };
    inputs.forEach((input) => input.addEventListener("input", turn));
    turn();
  }

  // A figure is drawn when the reader comes near it: a long page opens at once.
  if ("IntersectionObserver" in window) {
    const near = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
      { rootMargin: "800px" }
    );
    plots.forEach((plot) => near.observe(plot));
  } else {
    plots.forEach(draw);
  }

  const repaint = (chosen, scale) =>
    shown().forEach((plot) =>
      Plotly.relayout(plot, { template: chosen, height: scale * (plot.dataset.height || parseFloat(plot.style.minHeight)) })
    );
  dark.addEventListener("change", () => repaint(template(), 1));

  // A link to a claim opens its evidence.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.querySelectorAll("details").forEach((details) => (details.open = true));
  };
  window.addEventListener("hashchange", reveal);
  reveal();

  // Paper is white. It holds questions, answers, pictures, derivations and statements, and of the
  // evidence and the appendices what the reader has opened.
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll(".derivation").forEach((details) => (details.open = true));
    plots.forEach(draw);
    repaint(themes.light, 0.6); // two or three figures fit on a sheet
  });
  window.addEventListener("afterprint", () => repaint(template(), 1));
})();
