// The peer in JavaScript: `node peer.mjs TYPE bind|connect ENDPOINT ROUTING_ID [SECURITY]`; ZEROMQ is the folder of the package zeromq.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const zmq = createRequire(import.meta.url)(process.env.ZEROMQ);
const [type, how, endpoint, routingId, mechanism, ...words] = process.argv.slice(2);
const types = {
  REQ: zmq.Request,
  REP: zmq.Reply,
  DEALER: zmq.Dealer,
  PUSH: zmq.Push,
  PULL: zmq.Pull,
  PUB: zmq.Publisher,
  SUB: zmq.Subscriber,
  XPUB: zmq.XPublisher,
};

// Admits a name with its password (RFC 27).
async function answerZap(handler, admitted) {
  for await (const [version, id, , , , , ...given] of handler) {
    const known = given.map(String).join("\0") === admitted.join("\0");
    await handler.send([version, id, known ? "200" : "400", "", "", ""]);
  }
}

const socket = new types[type]({ linger: 1000 });
if (type !== "PULL" && type !== "SUB") socket.sendTimeout = 10000;
if (routingId) socket.routingId = routingId;
if (mechanism?.startsWith("curve")) {
  if (!zmq.capability.curve) {
    console.log("without CURVE");
    process.exit(0);
  }
  [socket.curvePublicKey, socket.curveSecretKey] = words;
  if (mechanism === "curve-server") socket.curveServer = true;
  else socket.curveServerKey = words[2];
}
if (mechanism === "plain-client") [socket.plainUsername, socket.plainPassword] = words;
let zap;
if (mechanism === "plain-server") {
  socket.plainServer = true;
  zap = new zmq.Reply({ linger: 0 });
  await zap.bind("inproc://zeromq.zap.01");
  answerZap(zap, words);
}
await socket[how](endpoint);
console.log(zmq.version);
for await (const line of createInterface({ input: process.stdin })) {
  const [word, text] = [line[0], line.slice(1)];
  const frames = text.split(",").map((frame) => Buffer.from(frame, "hex"));
  if (word === ">") {
    await socket.send(frames);
  } else if (word === "+") {
    socket.subscribe(frames[0]);
  } else if (word === "-") {
    socket.unsubscribe(frames[0]);
  } else {
    socket.receiveTimeout = Number(text);
    try {
      console.log((await socket.receive()).map((frame) => frame.toString("hex")).join(","));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      console.log("nothing");
    }
  }
}
socket.close();
zap?.close();
