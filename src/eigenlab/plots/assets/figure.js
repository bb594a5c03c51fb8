"use strict";
// How a page shows a figure of this project; the report and the studio share it.
const EigenlabFigure = (function () {
  const NARROW = 480; // pixels
  const touch = window.matchMedia("(pointer: coarse)").matches;

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
      axis.title.text = wrap(axis.title.text, key[0] === "x" ? (width - 110) / 9 : 36);
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

  // The layout for an element of some width, in the colours of the page.
  function fitted(given, width, template) {
    const layout = Object.assign({}, JSON.parse(JSON.stringify(given)), { template, autosize: true, modebar: { bgcolor: "rgba(0,0,0,0)" } });
    delete layout.width;
    if (width < NARROW) {
      stack(layout);
      (layout.annotations || []).filter((note) => note.yref === "paper").forEach((note) => (note.font = { size: 12 }));
    }
    if (!layout.title) layout.margin = Object.assign({ t: 20 }, layout.margin);
    if (touch) layout.dragmode = false; // so that a finger scrolls the page
    wrapTitles(layout, width);
    return layout;
  }

  const config = {
    responsive: true,
    displayModeBar: touch ? false : "hover",
    displaylogo: false,
    // Named one by one: none of plotly's buttons that would send the figure somewhere.
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };

  return { layout: fitted, config };
})();
