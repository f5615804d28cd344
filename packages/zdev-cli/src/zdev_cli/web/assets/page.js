"use strict";
// Fetches the status every second and shows it. Data from zdev goes into the page as text only, never as HTML.
(() => {
  const PERIOD = 1000, PATIENCE = 5000; // ms between two requests; ms for an answer
  const POINTS = 60; // of a chart
  const TROUBLE = ["waiting", "failed"];
  const MOST_ROWS = 200; // rows; more would make the page slow
  const TITLES = ["in to out", "out to in"];
  const byId = (id) => document.getElementById(id);
  const cards = new Map(); // of the devices, by name
  let seen = null; // the last snapshot
  let heard = 0; // when it came
  let timer = 0;
  let cardCount = 0;

  // Words and numbers
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const hundredths = new Intl.NumberFormat("en", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
  const millions = (n) => `${(n < 1e9 ? hundredths : whole).format(n / 1e6)}M`;
  const count = (n) => (n < 1e7 ? whole.format(n) : millions(n));
  const rate = (n) => (n > 0 && n < 10 ? tenths : whole).format(n);
  const sum = (list, value) => list.reduce((all, each) => all + value(each), 0);
  const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
  const ways = (device) => (device.two_ways ? [device.in, device.out] : [device.in]);

  function size(bytes) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
    const value = bytes / 1000 ** power;
    return [power && value < 100 ? tenths.format(value) : count(value), units[power]];
  }

  function duration(seconds) {
    const s = Math.floor(seconds), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (d) return `${d}d${h % 24}h`;
    if (h) return `${h}h${m % 60}m`;
    return m ? `${m}m${s % 60}s` : `${s}s`;
  }

  // A short time
  function brief(seconds) {
    if (!seconds) return "";
    const [value, unit] = seconds < 0.9995e-3 ? [seconds * 1e6, "\u00b5s"] : seconds < 0.9995 ? [seconds * 1e3, "ms"] : [seconds, "s"];
    return `${value < 100 ? Number(value.toPrecision(3)) : whole.format(value)} ${unit}`;
  }

  function reasons(list) {
    const names = list.length ? Object.keys(list[0].dropped) : [];
    const counts = names.map((reason) => [reason, sum(list, (way) => way.dropped[reason])]).filter(([, n]) => n);
    return counts.map(([reason, n]) => `${count(n)} ${reason}`).join(", ");
  }

  const dropped = (list) => sum(list, (way) => sum(Object.values(way.dropped), (n) => n));

  // Writing: only what changed
  function write(root, texts) {
    for (const [name, text] of Object.entries(texts)) {
      const node = root.querySelector(`[data-text=${name}]`);
      if (node.textContent !== text) node.textContent = text;
    }
  }

  function classed(node, name, on) {
    if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
  }

  function copy(id) {
    return byId(id).content.firstElementChild.cloneNode(true);
  }

  function draw(chart, history, top, what) {
    const points = history.slice(-POINTS), first = POINTS - points.length;
    const at = points.map((value, i) => `${first + i} ${(40 - (38 * value) / (top || 1)).toFixed(2)}`);
    const line = at.length ? `M${at.join("L")}` : "";
    chart.querySelector(".line").setAttribute("d", line);
    chart.querySelector(".area").setAttribute("d", line && `${line}V40H${first}Z`);
    const now = points.length ? rate(points[points.length - 1]) : "0";
    chart.setAttribute("aria-label", `${what}: messages a second over the last minute, now ${now}, at most ${rate(Math.max(0, ...points))}`);
  }

  // A device
  function showWay(figure, way, title, top) {
    const [value, unit] = size(way.bytes_per_second);
    write(figure, {
      title, messages: rate(way.messages_per_second), bytes: `${value} ${unit}/s`,
      peak: `peak ${rate(Math.max(0, ...way.history))}`, total: `${count(way.messages_sent)} sent`,
    });
    draw(figure.querySelector(".chart"), way.history, top, title);
  }

  function showWays(card, device) {
    const box = card.querySelector(".ways"), list = ways(device);
    while (box.children.length > list.length) box.lastElementChild.remove();
    while (box.children.length < list.length) box.append(copy("way"));
    const top = Math.max(0, ...list.flatMap((way) => way.history));
    list.forEach((way, i) => {
      classed(box.children[i], "back", i === 1);
      showWay(box.children[i], way, TITLES[i], top);
    });
  }

  // Of the connections: how many, then each counter that may explain missing messages
  const UNREMARKABLE = ["connections", "shaking_hands", "accepted", "connected", "unmatched"];

  function connections(socket) {
    if (!socket.connections) return [];
    const counts = Object.entries(socket.connections).filter(([name, n]) => n && !UNREMARKABLE.includes(name));
    return [[plural(socket.connections.connections, "connection"), ...counts.map(([name, n]) => `${count(n)} ${name.replaceAll("_", " ")}`)].join(", ")];
  }

  // Peers and workers of a device: their numbers by state, and each of them while the list is open
  const COMMON_COLUMNS = [
    ["ID", (each) => (each.number ? String(each.number) : "-")], ["Role", (each) => each.role || ""], ["State", (each) => each.state],
    ["Address", (each) => each.address.replace("tcp://", "")], ["User", (each) => each.user], ["Routing id", (each) => each.routing_id],
  ];
  const AGE = ["Age", (each) => (each.age === null ? "" : duration(each.age))];
  const PEER_COLUMNS = [
    ...COMMON_COLUMNS,
    ["Type", (peer) => peer.socket_type], ["Received", (peer) => count(peer.messages_received)],
    ["Sent", (peer) => count(peer.messages_sent)], ["Waiting", (peer) => count(peer.waiting)],
    ["In flight", (peer) => count(peer.in_flight)],
    ["Dropped", (peer) => count(peer.malformed + peer.unroutable + peer.overflowed + peer.denied)],
    AGE,
  ];
  const WORKER_COLUMNS = [
    ...COMMON_COLUMNS,
    ["Back in", (worker) => (worker.set_aside_for === null ? "" : duration(worker.set_aside_for))],
    ["Service", (worker) => worker.service], ["At work", (worker) => count(worker.at_work)], ["Done", (worker) => count(worker.done)],
    ["Failed", (worker) => count(worker.failed)], ["Late", (worker) => count(worker.late)],
    ["Mean", (worker) => brief(worker.mean)], ["p50", (worker) => brief(worker.p50)], ["p99", (worker) => brief(worker.p99)],
    AGE,
  ];
  const LISTS = {
    peers: { columns: PEER_COLUMNS, classes: { blocked: "slow", held: "slow", retrying: "bad", disconnected: "bad" } },
    workers: { columns: WORKER_COLUMNS, classes: { draining: "slow", drained: "slow", "set-aside": "bad" } },
  };
  const NUMBERS = ["ID", "Received", "Sent", "Waiting", "In flight", "Dropped", "At work", "Done", "Failed", "Late", "Mean", "p50", "p99"];
  const KEPT = ["ID", "Received", "Sent", "At work", "Done"]; // also if all are 0

  function peerCounts(device) {
    return device.sockets.filter((socket) => socket.peers).map((socket) => {
      const counts = Object.entries(socket.peers).filter(([, n]) => n).map(([state, n]) => `${count(n)} ${state}`);
      return `${socket.role}: ${counts.join(", ") || "none"}`;
    }).join("; ");
  }

  function cells(tag, list) {
    const row = document.createElement("tr");
    row.append(...list.map(([name, text, kind]) => {
      const classes = [NUMBERS.includes(name) ? "number" : "", kind || ""].join(" ").trim();
      return Object.assign(document.createElement(tag), { className: classes, textContent: text });
    }));
    return row;
  }

  function showList(card, kind, items) {
    const { columns: all, classes } = LISTS[kind], box = card.querySelector(`.${kind}`), shown = items.slice(0, MOST_ROWS);
    const columns = all.filter(([name, text]) => KEPT.includes(name) || shown.some((each) => !["", "0"].includes(text(each))));
    const failures = shown.filter((each) => each.failure).map((each) => `${each.endpoint} ${each.failure}`);
    const more = items.length > shown.length ? [`the first ${count(MOST_ROWS)} of ${count(items.length)}; zdev ${kind} shows all`] : [];
    write(card, { [`${kind}_note`]: more.concat(failures).join("; ") });
    box.querySelector("thead").replaceChildren(cells("th", columns.map(([name]) => [name, name])));
    box.querySelector("tbody").replaceChildren(...shown.map((each) => {
      return cells("td", columns.map(([name, text]) => [name, text(each), name === "State" ? classes[each.state] : ""]));
    }));
  }

  async function askList(card, kind, name) {
    const box = card.querySelector(`.${kind}`);
    if (box.asking || card.hidden || box.hidden || !box.open) return;
    box.asking = true;
    try {
      const answer = await fetch(`${kind}?device=${encodeURIComponent(name)}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) showList(card, kind, await answer.json());
      else write(card, { [`${kind}_note`]: await answer.text() });
    } catch {
      // the next one may be answered
    }
    box.asking = false;
  }

  function showListOf(card, kind, device, summary) {
    const box = card.querySelector(`.${kind}`);
    box.hidden = !summary;
    write(card, { [kind]: summary });
    if (!box.ontoggle) box.ontoggle = () => askList(card, kind, device.name);
    askList(card, kind, device.name);
  }

  function workerCounts(device) {
    if (!device.requests) return "";
    const counts = Object.entries(device.requests.workers).filter(([, n]) => n).map(([state, n]) => `${count(n)} ${state.replace("_", "-")}`);
    return counts.join(", ") || "none";
  }

  // Of a queue that knows its workers: the waiting room, and what went wrong
  const UNFAILED = ["waiting", "at_work", "waiting_bytes", "received", "answered"];

  function showRequests(card, requests) {
    for (const box of card.querySelectorAll(".requests")) box.hidden = !requests;
    if (!requests) return;
    const failed = Object.entries(requests).filter(([name, n]) => typeof n === "number" && n && !UNFAILED.includes(name));
    write(card, {
      requests_waiting: count(requests.waiting), waited: requests.waited.count ? `p99 ${brief(requests.waited.p99)}` : "",
      at_work: count(requests.at_work), served: requests.served.count ? `p99 ${brief(requests.served.p99)}` : "",
      requests_failed: failed.map(([name, n]) => `${count(n)} ${name.replaceAll("_", " ")}`).join(", "),
    });
  }

  function failure(connect) {
    if (!connect || connect.connected) return [];
    const retry = connect.retry_in === null ? "" : `, retrying in ${tenths.format(connect.retry_in)} s`;
    return [["", "", "", "failure", `${connect.failure || "not connected yet"}${retry}`]];
  }

  // Rows of role, type, verb, class and text
  function socketRows(socket) {
    const binds = socket.binds.map((endpoint) => ["", "", "bind", "", endpoint]);
    const connects = socket.connects.flatMap((endpoint, i) => [["", "", "connect", "", endpoint], ...failure(socket.connect_states[i])]);
    const rows = binds.concat(connects);
    if (!rows.length) rows.push(["", "", "", "", "no endpoint"]);
    rows[0].splice(0, 2, socket.role, socket.type);
    const security = socket.security ? [`${socket.security}${socket.has_rights ? " with rights" : ""}`] : [];
    return rows.concat([...security, ...connections(socket)].map((text) => ["", "", "", "note", text]));
  }

  function showSockets(card, sockets) {
    const rows = sockets.flatMap(socketRows), key = JSON.stringify(rows);
    if (card.sockets === key) return;
    card.sockets = key;
    card.querySelector(".sockets").replaceChildren(...rows.map(([role, type, verb, kind, text]) => {
      const row = document.createElement("li");
      const cells = [["span", "role", role], ["span", "type", type], ["span", "verb", verb], [kind ? "span" : "code", kind, text]];
      row.append(...cells.map(([tag, name, content]) => Object.assign(document.createElement(tag), { className: name, textContent: content })));
      return row;
    }));
  }

  function showDevice(card, device) {
    const list = ways(device), held = list.map((way) => Math.min(1, way.backpressure)), most = Math.max(...held);
    const lost = dropped(list), copies = sum(list, (way) => way.monitor_dropped);
    const retry = device.retry_in === null ? "" : `; retrying in ${tenths.format(device.retry_in)} s`;
    const error = device.error === null ? "" : `${device.error}${retry}`;
    const about = [device.type, `in a ${device.isolation}`, device.uptime === null ? "not running" : `up ${duration(device.uptime)}`];
    if (device.uptime !== null) about.push(`engine ${device.engine}`);
    if (device.restarts) about.push(plural(device.restarts, "restart"));
    card.className = `device ${device.state}`;
    write(card, {
      name: device.name, state: device.state, about: about.join(" \u00b7 "), error,
      in_flight: count(device.in_flight), held: `${count(most * 100)}%`,
      held_ways: TITLES.filter((_, i) => held[i] >= 0.005).join(", "), dropped: count(lost), dropped_reasons: reasons(list),
      monitored: count(sum(list, (way) => way.monitor_sent)), monitor_dropped: copies ? `${count(copies)} dropped` : "",
      lost: device.lost ? `${count(device.lost)} lost when it ended` : "",
    });
    card.querySelector("[data-text=about]").title = device.engine_reason && `engine ${device.engine}: ${device.engine_reason}`;
    card.querySelector(".error").hidden = !error;
    card.querySelector(".mon").hidden = !device.sockets.some((socket) => socket.role === "mon");
    classed(card.querySelector("[data-text=dropped]"), "some", lost > 0);
    classed(card.querySelector("[data-text=held]"), "held", most >= 0.005);
    showWays(card, device);
    showSockets(card, device.sockets);
    showRequests(card, device.requests);
    showListOf(card, "workers", device, workerCounts(device));
    showListOf(card, "peers", device, peerCounts(device));
    card.words = [device.name, device.state, device.type, ...device.sockets.flatMap((s) => [...s.binds, ...s.connects])].join("\n").toLowerCase();
  }

  function showDevices(devices) {
    const box = byId("devices"), names = new Set(devices.map((device) => device.name));
    for (const [name, card] of cards) {
      if (!names.has(name)) { card.remove(); cards.delete(name); }
    }
    devices.forEach((device, i) => {
      if (!cards.has(device.name)) cards.set(device.name, Object.assign(copy("device"), { id: `device-${++cardCount}` }));
      const card = cards.get(device.name);
      if (box.children[i] !== card) box.insertBefore(card, box.children[i] || null);
      showDevice(card, device);
    });
    byId("filter").hidden = devices.length < 7;
    filter();
  }

  function filter() {
    const label = byId("filter"), wanted = label.hidden ? "" : label.querySelector("input").value.trim().toLowerCase();
    let shown = 0;
    for (const card of cards.values()) {
      card.hidden = !card.words.includes(wanted);
      shown += card.hidden ? 0 : 1;
    }
    byId("empty").hidden = shown > 0;
    byId("empty").textContent = cards.size ? `No device has \u201c${wanted}\u201d in its name, state or endpoints.`
      : `No devices. Add a [[device]] to ${seen.config} and run zdev reload.`;
  }

  // All devices
  function showTotals(snapshot) {
    const list = snapshot.devices.flatMap(ways);
    const [bytes, unit] = size(sum(list, (way) => way.bytes_per_second));
    const history = Array.from({ length: POINTS }, (_, i) => sum(list, (way) => way.history[way.history.length - POINTS + i] || 0));
    const longest = Math.max(0, ...list.map((way) => way.history.length));
    const states = new Map();
    for (const device of snapshot.devices) states.set(device.state, (states.get(device.state) || 0) + 1);
    write(byId("page"), {
      version: snapshot.version, ready: snapshot.ready ? "ready" : "not ready", config: snapshot.config,
      uptime: `up ${duration(snapshot.time - snapshot.started)}`,
    });
    document.querySelector(".top").className = `top ${snapshot.ready ? "active" : "waiting"}`;
    const totals = document.querySelector(".totals"), lost = dropped(list);
    write(totals, {
      messages: rate(sum(list, (way) => way.messages_per_second)), bytes, bytes_unit: `${unit}/s`,
      bytes_total: `${size(sum(list, (way) => way.bytes_sent)).join(" ")} sent on`,
      in_flight: count(sum(snapshot.devices, (device) => device.in_flight)),
      dropped: count(lost), dropped_reasons: reasons(list) || "none", devices: count(snapshot.devices.length),
      states: [...states].map(([state, n]) => `${count(n)} ${state}`).join(", ") || "none",
    });
    const points = history.slice(POINTS - Math.min(POINTS, longest));
    draw(totals.querySelector(".chart"), points, Math.max(0, ...points), "all devices");
  }

  function showTrouble(devices) {
    const box = byId("trouble"), list = devices.filter((device) => TROUBLE.includes(device.state));
    const key = JSON.stringify(list.map((device) => [device.name, device.state]));
    if (box.key === key) return;
    box.key = key;
    box.hidden = !list.length;
    box.replaceChildren(`${plural(list.length, "device")} not running:`, ...list.map((device) => {
      return Object.assign(document.createElement("a"), { href: `#${cards.get(device.name).id}`, textContent: device.name });
    }));
  }

  function show(snapshot) {
    seen = snapshot;
    heard = Date.now();
    byId("page").hidden = false;
    showTotals(snapshot);
    showDevices(snapshot.devices);
    showTrouble(snapshot.devices);
    const trouble = snapshot.devices.filter((device) => TROUBLE.includes(device.state)).length;
    document.title = trouble ? `(${trouble}) zdev` : "zdev";
  }

  function showLost(what) {
    const since = heard ? ` The figures are those of ${new Date(heard).toLocaleTimeString()}.` : "";
    const text = what && `${what}${since} Retrying every second.`;
    byId("lost").hidden = !text;
    classed(document.body, "lost", Boolean(text));
    byId("page").hidden = false;
    if (byId("lost").textContent !== text) byId("lost").textContent = text;
    if (text) document.title = "no answer: zdev";
  }

  async function ask() {
    clearTimeout(timer);
    let snapshot = null, what = "zdev does not answer.";
    try {
      const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) snapshot = await answer.json();
      else what = `zdev answers ${answer.status} instead of its status.`;
    } catch {
      // not reached, or not within PATIENCE
    }
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, PERIOD);
    if (snapshot) show(snapshot);
    showLost(snapshot ? "" : what);
  }

  byId("filter").addEventListener("input", filter);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  ask();
})();
