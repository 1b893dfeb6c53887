// Thousands of phones for tests and measurements: MQTT 3.1.1 by hand, one socket each, QoS 1.

import { connect } from "node:net";

const text = (s) => {
  const bytes = Buffer.from(s);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(type, ...parts) {
  const body = Buffer.concat(parts);
  const length = [];
  for (let n = body.length; ; n >>= 7) {
    length.push(n > 127 ? (n & 127) | 128 : n);
    if (n <= 127) break;
  }
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

class Line {
  #got = Buffer.alloc(0);
  #waiting = null;

  static async open(target, { company, employee, username, password, clientId }) {
    const line = new Line();
    const [host, port] = target.split(":");
    line.topic = `fc/${company}/${employee}`;
    line.socket = connect({ host, port: Number(port), noDelay: true });
    line.socket.on("data", (chunk) => line.#take(chunk));
    line.socket.on("error", (err) => line.#fail(err));
    line.socket.on("close", () => line.#fail(new Error(`${username}: the connection was closed`)));
    const answer = line.#answer();
    line.socket.write(packet(0x10, text("MQTT"), Buffer.from([4, 0xc2, 3, 0xff]), text(clientId), text(username), text(password)));
    const connack = await answer;
    if (connack[0] !== 0x20 || connack[3] !== 0) throw new Error(`${username}: refused with ${connack[3]}`);
    return line;
  }

  /** Publishes a fix; the promise is kept when it has been acknowledged. */
  async send(lat, lon, more = {}) {
    const fix = { _type: "location", lat, lon, tst: Date.now() / 1000, acc: 7, batt: 64, bs: 1, vel: 18, cog: 90, conn: "m", t: "t", ...more };
    const answer = this.#answer();
    this.socket.write(packet(0x32, text(this.topic), Buffer.from([0, 1]), Buffer.from(JSON.stringify(fix))));
    const puback = await answer;
    if (puback[0] !== 0x40) throw new Error(`${this.topic}: got packet ${puback[0]} for a publish`);
  }

  close() {
    this.#waiting = null;
    this.socket.end(packet(0xe0));
  }

  #answer() {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  #take(chunk) {
    this.#got = Buffer.concat([this.#got, chunk]);
    while (this.#got.length >= 4) { // both answers have four bytes
      const answer = this.#got.subarray(0, 4);
      this.#got = this.#got.subarray(4);
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting?.resolve(answer);
    }
  }

  #fail(err) {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(err);
  }
}

/** Does something for each, some at a time. */
async function each(items, atOnce, act) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      await act(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** Every phone connects, publishes where it is, and leaves. `fix` returns [lat, lon, more] of the phone with an index. */
export const publishOnce = (target, phones, fix) =>
  each(phones, 100, async (credentials, i) => {
    const line = await Line.open(target, credentials);
    await line.send(...fix(i));
    line.close();
  });

/** Phones that stay connected. */
export class Crowd {
  #lines = [];

  static async connect(target, phones) {
    const crowd = new Crowd();
    await each(phones, 100, async (credentials, i) => (crowd.#lines[i] = await Line.open(target, credentials)));
    return crowd;
  }

  /** All publish at the same time; returns when all are acknowledged. */
  send(fix) {
    return Promise.all(this.#lines.map((line, i) => line.send(...fix(i))));
  }

  close() {
    for (const line of this.#lines) line.close();
  }
}

/** Places of a country with towns: most people are near one of them. The same for the same index. */
export function town(i, towns = 40) {
  const noise = (n) => {
    const x = Math.sin((i + 1) * 12.9898 + n * 78.233) * 43758.5453;
    return x - Math.floor(x);
  };
  const of = (t, n) => {
    const x = Math.sin((t + 1) * 269.5 + n * 183.3) * 43758.5453;
    return x - Math.floor(x);
  };
  const t = Math.floor(noise(0) ** 2 * towns);
  const spread = 0.05 + 0.25 * noise(3) ** 3;
  const angle = 2 * Math.PI * noise(1);
  const r = spread * Math.sqrt(noise(2));
  return [10 + 14 * of(t, 0) + r * Math.sin(angle), 74.5 + 7 * of(t, 1) + r * Math.cos(angle)];
}
