"use strict";
// Fetches the status every second and shows it. Data from zdev goes into the page as text only, never as HTML.
(() => {
  const PERIOD = 1000, PATIENCE = 5000; // ms between two requests; ms for an answer
  const POINTS = 60; // of a chart
  const TROUBLE = ["waiting", "failed"];
  const MOST_ROWS = 200; // rows; more would make the page slow
  const FEW = 3; // devices that are open at first
  const MANY = 7; // devices from which on there is a filter
  const MOST_TROUBLE = 5; // lines
  const STATES = ["failed", "waiting", "draining", "starting", "paused", "stopped", "active"]; // the worst first
  const TITLES = ["in to out", "out to in"];
  const byId = (id) => document.getElementById(id);
  const rows = new Map(); // of the devices, by name
  let view = {}; // what the address says: which devices are open, the order, and the filter
  let seen = null; // the last snapshot
  let heard = 0; // when it came
  let timer = 0;
  let rowCount = 0;
  let columnCount = 1;

  // Words and numbers
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const hundredths = new Intl.NumberFormat("en", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
  const millions = (n) => `${(n < 1e9 ? hundredths : whole).format(n / 1e6)}M`;
  const count = (n) => (n < 1e7 ? whole.format(n) : millions(n));
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const compact = (n, text) => (n < 99999.5 ? text(n) : short.format(n)); // in a row
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
  function fields(root) {
    if (!root.fields) {
      root.fields = {};
      for (const node of root.querySelectorAll("[data-text]")) root.fields[node.dataset.text] ??= node;
    }
    return root.fields;
  }

  function write(root, texts) {
    for (const [name, text] of Object.entries(texts)) {
      const node = fields(root)[name];
      if (node.written !== text) node.textContent = node.written = text;
    }
  }

  function attribute(node, name, value) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
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
    if (chart.drawn !== line) {
      chart.drawn = line;
      chart.querySelector(".line").setAttribute("d", line);
      chart.querySelector(".area").setAttribute("d", line && `${line}V40H${first}Z`);
    }
    const now = points.length ? rate(points[points.length - 1]) : "0";
    attribute(chart, "aria-label", `${what}: messages a second over the last minute, now ${now}, at most ${rate(Math.max(0, ...points))}`);
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
    if (box.asking || !card.isConnected || box.hidden || !box.open) return;
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

  // The details of a device that is open
  function showDetail(card, device) {
    const list = ways(device), held = list.map((way) => Math.min(1, way.backpressure)), most = Math.max(...held);
    const lost = dropped(list), copies = sum(list, (way) => way.monitor_dropped);
    const about = [device.type, `in a ${device.isolation}`, device.uptime === null ? "not running" : `up ${duration(device.uptime)}`];
    if (device.uptime !== null) about.push(`engine ${device.engine}`);
    if (device.restarts) about.push(plural(device.restarts, "restart"));
    write(card, {
      about: about.join(" \u00b7 "), error: error(device),
      in_flight: count(device.in_flight), held: `${count(most * 100)}%`,
      held_ways: TITLES.filter((_, i) => held[i] >= 0.005).join(", "), dropped: count(lost), dropped_reasons: reasons(list),
      monitored: count(sum(list, (way) => way.monitor_sent)), monitor_dropped: copies ? `${count(copies)} dropped` : "",
      lost: device.lost ? `${count(device.lost)} lost` : "",
    });
    const { about: aboutNode, link, dropped: droppedNode, held: heldNode } = fields(card);
    aboutNode.title = device.engine_reason && `engine ${device.engine}: ${device.engine_reason}`;
    attribute(link, "href", addressOf(device));
    card.querySelector(".error").hidden = !device.error;
    card.querySelector(".mon").hidden = !device.sockets.some((socket) => socket.role === "mon");
    classed(droppedNode, "some", lost > 0);
    classed(heldNode, "held", most >= 0.005);
    showWays(card, device);
    showSockets(card, device.sockets);
    showRequests(card, device.requests);
    showListOf(card, "workers", device, workerCounts(device));
    showListOf(card, "peers", device, peerCounts(device));
  }

  function error(device) {
    if (device.error === null) return "";
    return device.error + (device.retry_in === null ? "" : `; retrying in ${tenths.format(device.retry_in)} s`);
  }

  // One row a device. By column: what to sort by
  const held = (device) => Math.min(1, Math.max(...ways(device).map((way) => way.backpressure)));
  const bytesOf = (device) => sum(ways(device), (way) => way.bytes_per_second);
  const VALUES = {
    name: (device) => device.name, state: (device) => STATES.indexOf(device.state), type: (device) => device.type,
    in: (device) => device.in.messages_per_second, out: (device) => (device.two_ways ? device.out.messages_per_second : -1),
    bytes: bytesOf, in_flight: (device) => device.in_flight, held, dropped: (device) => dropped(ways(device)),
    uptime: (device) => device.uptime ?? -1,
  };
  const WORDS = ["name", "state", "type"]; // sorted upwards at first; numbers downwards

  function showRow(body, device) {
    const row = body.rows[0], list = ways(device), lost = dropped(list), share = held(device);
    if (body.className !== `device ${device.state}`) body.className = `device ${device.state}`;
    write(row, {
      name: device.name, state: device.state, type: device.type, in: compact(device.in.messages_per_second, rate),
      out: device.two_ways ? compact(device.out.messages_per_second, rate) : "-", bytes: size(bytesOf(device)).join(" "),
      in_flight: compact(device.in_flight, count), held: `${count(share * 100)}%`, dropped: compact(lost, count),
      uptime: device.uptime === null ? "-" : duration(device.uptime),
    });
    const { name, held: heldCell, dropped: droppedCell } = fields(row);
    name.title = device.name;
    classed(heldCell, "some", share >= 0.005);
    classed(droppedCell, "some", lost > 0);
    body.device = device; // for its chart
    if (body.isNear) showMinute(body);
    const open = view.open.has(device.name);
    attribute(name, "aria-expanded", String(open));
    if (open && !body.rows[1]) openDetail(body, device);
    else if (!open && body.rows[1]) body.rows[1].remove();
    if (!open) return;
    body.rows[1].cells[0].colSpan = columnCount;
    showDetail(body.rows[1].querySelector("article"), device);
  }

  // Charts are drawn only in rows on or near the screen
  const nearby = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      target.isNear = isIntersecting;
      if (isIntersecting) showMinute(target);
    }
  }, { rootMargin: "300px" });

  function showMinute(body) {
    const history = total(ways(body.device));
    draw(body.rows[0].querySelector("svg"), history, Math.max(0, ...history), body.device.name);
  }

  function openDetail(body, device) {
    const detail = Object.assign(copy("detail"), { id: `${body.id}-detail` });
    detail.querySelector("article").setAttribute("aria-label", device.name);
    body.append(detail);
  }

  function makeRow(device) {
    const body = Object.assign(copy("row"), { id: `device-${++rowCount}` }), { name } = fields(body.rows[0]);
    name.setAttribute("aria-controls", `${body.id}-detail`);
    nearby.observe(body);
    body.rows[0].addEventListener("click", () => {
      if (!view.open.delete(device.name)) view.open.add(device.name);
      view.chosen = true;
      changed();
    });
    return body;
  }

  // The history of several directions together
  function total(list) {
    const length = Math.min(POINTS, Math.max(0, ...list.map((way) => way.history.length)));
    return Array.from({ length }, (_, i) => sum(list, (way) => way.history[way.history.length - length + i] || 0));
  }

  function isShown(device) {
    const words = [device.name, device.type, ...device.sockets.flatMap((s) => [...s.binds, ...s.connects])];
    return (!view.state || device.state === view.state) && words.some((text) => text.toLowerCase().includes(view.filter.toLowerCase()));
  }

  function inOrder(devices) {
    const key = view.sort.replace("-", ""), value = Object.hasOwn(VALUES, key) && VALUES[key], down = view.sort.startsWith("-") ? -1 : 1;
    if (!value) return devices;
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return [...devices].sort((a, b) => down * compare(value(a), value(b)) || compare(a.name, b.name));
  }

  function showDevices(devices) {
    countColumns();
    const table = byId("devices"), focused = document.activeElement, shown = inOrder(devices.filter(isShown));
    const names = new Set(shown.map((device) => device.name));
    for (const [name, body] of rows) {
      if (!names.has(name)) { nearby.unobserve(body); body.remove(); rows.delete(name); }
    }
    let place = table.tHead.nextElementSibling;
    for (const device of shown) {
      if (!rows.has(device.name)) rows.set(device.name, makeRow(device));
      const body = rows.get(device.name);
      showRow(body, device);
      if (place === body) place = place.nextElementSibling;
      else table.insertBefore(body, place);
    }
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    table.hidden = !shown.length;
    showOrder(table);
    showFilter(devices, shown.length);
  }

  // How many columns a window of this width shows
  function countColumns() {
    columnCount = [...byId("devices").tHead.rows[0].cells].filter((cell) => getComputedStyle(cell).display !== "none").length;
  }

  function showOrder(table) {
    for (const button of table.tHead.querySelectorAll("button")) {
      const head = button.parentElement, key = button.dataset.sort;
      if (view.sort === key) attribute(head, "aria-sort", "ascending");
      else if (view.sort === `-${key}`) attribute(head, "aria-sort", "descending");
      else head.removeAttribute("aria-sort");
    }
  }

  function showFilter(devices, shown) {
    const box = byId("filter"), select = box.querySelector("select"), isFiltered = Boolean(view.filter || view.state);
    box.hidden = devices.length < MANY && !isFiltered;
    const present = STATES.filter((state) => state === view.state || devices.some((device) => device.state === state));
    const options = ["", ...present].join();
    if (select.options_shown !== options) {
      select.options_shown = options;
      select.replaceChildren(...["", ...present].map((state) => new Option(state || "all", state)));
      select.value = view.state;
    }
    const text = isFiltered ? `${count(shown)} of ${plural(devices.length, "device")}` : "";
    if (byId("count").textContent !== text) byId("count").textContent = text;
    byId("empty").hidden = shown > 0;
    byId("empty").textContent = devices.length ? "No device matches the filter." : `No devices. Add a [[device]] to ${seen.config} and run zdev reload.`;
  }

  // The address keeps the view: #device=NAME opens a device
  function addressOf(device) {
    return `#${new URLSearchParams({ device: device.name })}`;
  }

  function readAddress() {
    const values = new URLSearchParams(location.hash.slice(1));
    view = {
      open: new Set(values.getAll("device").filter(Boolean)), chosen: values.has("device"),
      sort: values.get("sort") || "", filter: values.get("filter") || "", state: values.get("state") || "",
    };
    byId("filter").querySelector("input").value = view.filter;
    byId("filter").querySelector("select").value = view.state;
  }

  function writeAddress() {
    const values = new URLSearchParams();
    for (const name of ["sort", "filter", "state"]) if (view[name]) values.set(name, view[name]);
    for (const name of view.open) values.append("device", name);
    if (view.chosen && !view.open.size) values.set("device", "");
    history.replaceState(null, "", `${location.pathname}${String(values) && `#${values}`}`);
  }

  function changed() {
    if (!seen) return;
    writeAddress();
    showDevices(seen.devices);
  }

  // Show the first device that the address names
  function goToDevice() {
    const body = rows.get([...view.open][0]);
    if (!view.chosen || !body) return;
    body.scrollIntoView({ block: "start" });
    fields(body.rows[0]).name.focus({ preventScroll: true });
  }

  // All devices
  function showTotals(snapshot) {
    const list = snapshot.devices.flatMap(ways);
    const [bytes, unit] = size(sum(list, (way) => way.bytes_per_second));
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
    const points = total(list);
    draw(totals.querySelector(".chart"), points, Math.max(0, ...points), "all devices");
  }

  function showTrouble(devices) {
    const box = byId("trouble"), list = devices.filter((device) => TROUBLE.includes(device.state));
    const key = JSON.stringify(list.map((device) => [device.name, device.state, device.error]));
    if (box.key === key) return;
    box.key = key;
    box.hidden = !list.length;
    const lines = list.slice(0, MOST_TROUBLE).map((device) => {
      const link = Object.assign(document.createElement("a"), { href: addressOf(device), textContent: device.name });
      const line = document.createElement("li");
      line.append(link, ` ${device.state}${device.error ? `: ${device.error}` : ""}`);
      line.title = device.error || "";
      return line;
    });
    if (list.length > lines.length) {
      lines.push(document.createElement("li"));
      const all = { href: "#sort=state", textContent: `and ${count(list.length - MOST_TROUBLE)} more` };
      lines.at(-1).append(Object.assign(document.createElement("a"), all));
    }
    const items = document.createElement("ul");
    items.append(...lines);
    box.replaceChildren(`${plural(list.length, "device")} not running:`, items);
  }

  function show(snapshot) {
    const isFirst = !seen;
    seen = snapshot;
    heard = Date.now();
    byId("page").hidden = false;
    if (isFirst && !view.chosen && snapshot.devices.length <= FEW) view.open = new Set(snapshot.devices.map((device) => device.name));
    showTotals(snapshot);
    showDevices(snapshot.devices);
    showTrouble(snapshot.devices);
    if (isFirst) goToDevice();
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

  byId("filter").querySelector("input").addEventListener("input", (event) => { view.filter = event.target.value.trim(); changed(); });
  byId("filter").querySelector("select").addEventListener("change", (event) => { view.state = event.target.value; changed(); });
  byId("devices").tHead.addEventListener("click", (event) => {
    const key = event.target.dataset.sort;
    if (!key) return;
    const order = WORDS.includes(key) ? [key, `-${key}`, ""] : [`-${key}`, key, ""];
    view.sort = order[(order.indexOf(view.sort) + 1) % order.length];
    changed();
  });
  addEventListener("hashchange", () => {
    readAddress();
    if (!seen) return;
    showDevices(seen.devices);
    goToDevice();
  });
  addEventListener("resize", () => { if (seen) showDevices(seen.devices); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  readAddress();
  ask();
})();
