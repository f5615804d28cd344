// The peer in JavaScript: `node peer.mjs TYPE bind|connect ENDPOINT ROUTING_ID`; ZEROMQ is the folder of the package zeromq.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const zmq = createRequire(import.meta.url)(process.env.ZEROMQ);
const [type, how, endpoint, routingId] = process.argv.slice(2);
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
const socket = new types[type]({ linger: 1000 });
if (type !== "PULL" && type !== "SUB") socket.sendTimeout = 10000;
if (routingId) socket.routingId = routingId;
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
