// The way from the browser to the server, which a test can shut while phones still reach the server: only so is it
// certain that something happened before the page was back.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Door {
  #server = null;
  #sockets = new Set();

  /** A door to an address, at an address of its own. */
  static async to(target) {
    const door = new Door();
    [door.host, door.port] = target.split(":");
    await door.open(0);
    return door;
  }

  get url() {
    return `http://127.0.0.1:${this.at}/`;
  }

  /** Lets connections through; after `shut`, at the same address as before. */
  async open(port = this.at) {
    this.#server = createServer((near) => this.#join(near)).listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.at = this.#server.address().port;
  }

  /** Cuts what is connected and refuses what is new. */
  async shut() {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near) {
    const far = connect(Number(this.port), this.host);
    for (const [socket, peer] of [[near, far], [far, near]]) {
      this.#sockets.add(socket);
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => {
        this.#sockets.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
    }
  }
}
