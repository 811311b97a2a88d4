// Keeps an open page true: one stream of events, the charts, and the buttons of the header.
"use strict";
(() => {
  const FIRST_WAIT_MS = 1000;
  const LONGEST_WAIT_MS = 15000;
  const QUIET_MS = 20000; // Twice as long as a stream is ever silent.
  const MINUTE_S = 60;
  const HEIGHT = 170;

  const state = document.getElementById("stream");
  const pause = document.getElementById("pause");
  const theme = document.getElementById("theme");
  const live = () => document.getElementById("live");

  // ---- the stream

  let source = null;
  let wanted = "";
  let wait = FIRST_WAIT_MS;
  let quiet = 0;
  let retry = 0;
  let paused = false;
  let swapping = Promise.resolve();

  function say(name, words) {
    if (!state || state.textContent === words) return;
    state.dataset.state = name;
    state.textContent = words;
  }

  function close() {
    clearTimeout(quiet);
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function open() {
    close();
    wanted = live()?.dataset.events ?? "";
    if (!wanted || paused) return;
    const opened = new EventSource(wanted);
    source = opened;
    opened.addEventListener("view", (event) => {
      if (opened !== source) return;
      heard();
      say("live", "Live");
      show(event.data, opened);
    });
    opened.addEventListener("late", (event) => {
      if (opened !== source) return;
      heard();
      say("late", `Late: ${event.data}`);
    });
    opened.addEventListener("beat", () => {
      if (opened === source) heard();
    });
    opened.onerror = () => {
      if (opened === source) broken();
    };
    quiet = setTimeout(broken, QUIET_MS);
  }

  function heard() {
    wait = FIRST_WAIT_MS;
    clearTimeout(quiet);
    quiet = setTimeout(broken, QUIET_MS);
  }

  // The browser's own way to come back gives up for good when it is refused once.
  function broken() {
    close();
    say("cut", "Updates stopped; trying again");
    retry = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  function show(html, from) {
    swapping = swapping
      .then(async () => {
        const target = live();
        if (from !== source || !target) return;
        await htmx.swap({ sourceElement: target, target, text: html, swap: "outerMorph" });
        shown();
      })
      .catch((error) => console.error(error));
  }

  function shown() {
    const now = live();
    if (now?.dataset.title) document.title = `${now.dataset.title} · ${document.body.dataset.gateway}`;
    draw();
  }

  document.addEventListener("htmx:after:swap", () => {
    // A filter was changed: what is shown now has a stream of its own.
    if ((live()?.dataset.events ?? "") !== wanted) {
      shown();
      open();
    }
  });

  // ---- the charts

  const charts = new Map();

  // A canvas knows no variables: the browser works the colour out on an element.
  const sample = document.createElement("span");
  sample.hidden = true;
  document.body.append(sample);
  function colour(name) {
    sample.style.color = `var(${name})`;
    return getComputedStyle(sample).color;
  }

  const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
  const milliseconds = (value) =>
    value == null ? "–" : value < 1000 ? `${+value.toPrecision(3)} ms` : `${+(value / 1000).toPrecision(3)} s`;
  const whole = (value) => (value == null ? "–" : value.toLocaleString("en-US"));

  // A minute between two without requests is no part of a line; a dot shows it.
  const alone = (chart, series) => {
    const values = chart.data[series];
    const found = [];
    values.forEach((value, at) => {
      if (value != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
    });
    return found;
  };

  const KINDS = {
    requests: {
      columns: (data) => [data.t, data.requests, data.failed],
      axis: (value) => (Number.isInteger(value) ? whole(value) : ""),
      series: () => {
        const bars = uPlot.paths.bars({ size: [0.8, 60], align: 0 });
        const plain = { paths: bars, points: { show: false }, width: 0 };
        return [
          { ...plain, fill: colour("--chart-bar") },
          { ...plain, fill: colour("--bad") },
        ];
      },
      read: (data, at) => `${clock(data.t[at])}  ${whole(data.requests[at])}, ${whole(data.failed[at])} failed`,
      output: "read-requests",
    },
    times: {
      columns: (data) => [data.t, data.p50, data.p95],
      axis: milliseconds,
      series: () => [
        { stroke: colour("--accent"), width: 1.75, points: { show: true, size: 5, filter: alone } },
        { stroke: colour("--soft"), width: 1.5, dash: [5, 4], points: { show: true, size: 5, filter: alone } },
      ],
      read: (data, at) => `${clock(data.t[at])}  ${milliseconds(data.p50[at])}, 95th ${milliseconds(data.p95[at])}`,
      output: "read-times",
    },
  };

  function options(kind, width) {
    const axis = {
      stroke: colour("--soft"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height: HEIGHT,
      tzDate: utc,
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { range: (chart, least, most) => [least - MINUTE_S / 2, most + MINUTE_S / 2] },
        y: { range: (chart, least, most) => [0, (most || 1) * 1.1] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 60, values: (chart, ticks) => ticks.map(clock) },
        { ...axis, size: 52, space: 32, values: (chart, ticks) => ticks.map(kind.axis) },
      ],
      series: [{}, ...kind.series()],
      hooks: {
        setCursor: [
          (chart) => {
            const output = document.getElementById(kind.output);
            const at = chart.cursor.idx;
            const data = charts.get(chart.root.parentNode)?.data;
            if (output) output.textContent = at == null || !data ? "" : kind.read(data, at);
          },
        ],
      },
    };
  }

  function draw() {
    for (const [element, { chart }] of charts) {
      if (!element.isConnected) {
        watcher.unobserve(element);
        chart.destroy();
        charts.delete(element);
      }
    }
    const text = document.getElementById("charts")?.dataset.traffic;
    if (!text) return;
    const data = JSON.parse(text);
    for (const element of document.querySelectorAll("[data-chart]")) {
      const kind = KINDS[element.dataset.chart];
      const known = charts.get(element);
      if (known) {
        known.data = data;
        known.chart.setData(kind.columns(data));
      } else {
        const chart = new uPlot(options(kind, element.clientWidth), kind.columns(data), element);
        charts.set(element, { chart, data });
        watcher.observe(element);
      }
    }
  }

  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const known = charts.get(target);
      const width = target.clientWidth;
      if (known && width && width !== known.chart.width) known.chart.setSize({ width, height: HEIGHT });
    }
  });

  function redraw() {
    for (const [element, { chart }] of charts) {
      watcher.unobserve(element);
      chart.destroy();
    }
    charts.clear();
    draw();
  }

  // ---- the buttons

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";

  function nameTheme() {
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  }

  theme.hidden = false;
  nameTheme();
  theme.addEventListener("click", () => {
    const name = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = name;
    try {
      localStorage.setItem("theme", name);
    } catch {
      // Then it lasts as long as the page.
    }
    nameTheme();
    redraw();
  });
  dark.addEventListener("change", () => {
    nameTheme();
    redraw();
  });

  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      if (paused) {
        close();
        say("off", "Paused");
      } else {
        say("off", "Connecting");
        open();
      }
    });
  }

  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });

  draw();
  open();
})();
