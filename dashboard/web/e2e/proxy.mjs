// A proxy as some networks have them: it lets no WebSocket through, and may hold back every answer until it is whole.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";

export class Proxy {
  /** Whether WebSocket connections are refused. */
  blocks = true;
  /** Whether an answer is passed on only when it has ended. */
  holdsBack = false;
  #sockets = new Set();

  /** A proxy to an address, at an address of its own. */
  static async to(target) {
    const proxy = new Proxy();
    [proxy.host, proxy.port] = target.split(":");
    proxy.server = createServer((req, res) => proxy.#pass(req, res));
    proxy.server.on("upgrade", (req, socket, head) => proxy.#upgrade(req, socket, head));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}/`;
  }

  /** Cuts what is open, without warning. */
  cut() {
    this.server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }

  #pass(req, res) {
    const onward = request({ host: this.host, port: this.port, path: req.url, method: req.method, headers: req.headers }, async (answer) => {
      const { holdsBack } = this;
      answer.on("error", () => res.destroy());
      if (!holdsBack) {
        res.writeHead(answer.statusCode, answer.headers);
        res.flushHeaders();
        return answer.pipe(res);
      }
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        res.writeHead(answer.statusCode, answer.headers);
        res.end(Buffer.concat(chunks));
      });
    });
    onward.on("error", () => res.destroy());
    res.on("close", () => onward.destroy());
    req.pipe(onward);
  }

  #upgrade(req, socket, head) {
    if (this.blocks) return socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const far = connect(Number(this.port), this.host, () => {
      const headers = Object.entries(req.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      far.write(`${req.method} ${req.url} HTTP/1.1\r\n${headers}\r\n`);
      far.write(head);
      socket.pipe(far).pipe(socket);
    });
    for (const [one, other] of [[socket, far], [far, socket]]) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
