// One MQTT connection over WebSocket, from CONNECT to its end. It never reconnects by itself: who owns it
// decides when, with a fresh token each time. mqtt.js can only be given a token synchronously, and it counts
// its own retries; two masters of one connection would disagree.

import mqtt from "mqtt";

export interface LinkOptions {
  readonly url: string;
  readonly username: string;
  readonly token: string;
  readonly topic: string;
  readonly onMessage: (payload: string) => void;
}

export interface Link {
  /** Settles when the connection has ended, with the reason; never rejects. */
  readonly closed: Promise<LinkError>;
  close(): void;
}

/** Why a connection has ended or was not made. */
export class LinkError extends Error {
  constructor(
    message: string,
    /** The server did not take the token. */
    readonly unauthorized = false,
    /** The server itself has answered, so that what lies between is not to blame. */
    readonly answered = true,
  ) {
    super(message);
  }
}

const UNAUTHORIZED: readonly number[] = [0x86, 0x87]; // bad user name or password; not authorized
const REASONS: Readonly<Record<number, string>> = {
  0x86: "the server refused the token",
  0x87: "the server refused the token",
  0x89: "the server is busy",
  0x8b: "the server is shutting down",
  0x8e: "another connection took over",
  0x97: "the server's quota is used up",
  0xa0: "the connection's time was over",
};

const decoder = new TextDecoder();

/** Connects and subscribes. Resolves when the server has confirmed the subscription; rejects with a [LinkError]. */
export function openLink(o: LinkOptions): Promise<Link> {
  const client = mqtt.connect(o.url, {
    protocolVersion: 5,
    clean: true,
    clientId: `web-${crypto.randomUUID().slice(0, 13)}`,
    username: o.username,
    password: o.token, // in CONNECT, never in the address: addresses end up in logs
    keepalive: 20,
    connectTimeout: 8_000,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: "native", // the default would start a blob: worker, which the content security policy forbids
    properties: { sessionExpiryInterval: 0, topicAliasMaximum: 1_000, receiveMaximum: 200 },
  });
  let reason = new LinkError("it broke off", false, false);
  const closed = new Promise<LinkError>((resolve) => {
    client.on("close", () => {
      client.end(true);
      resolve(reason);
    });
  });
  client.on("error", (err) => (reason = describe(err)));
  client.on("disconnect", (packet) => (reason = byCode(packet.reasonCode ?? 0, "the server closed the connection")));
  client.on("message", (_topic, payload) => o.onMessage(decoder.decode(payload)));

  const close = () => {
    client.end(true);
  };
  return new Promise<Link>((resolve, reject) => {
    void closed.then(reject);
    client.on("connect", () => {
      client.subscribe(o.topic, { qos: 0, rh: 2 }, (err, grants) => {
        const code = grants?.[0]?.qos ?? 0;
        if (!err && code < 0x80) return resolve({ closed, close });
        reject(code >= 0x80 ? byCode(code, "the server refused the subscription") : describe(err));
        close();
      });
    });
  });
}

function describe(err: unknown): LinkError {
  const code = (err as { code?: unknown } | null)?.code;
  if (typeof code === "number") return byCode(code, "the server refused the connection");
  return new LinkError("the server cannot be reached", false, false);
}

const byCode = (code: number, otherwise: string): LinkError =>
  new LinkError(REASONS[code] ?? otherwise, UNAUTHORIZED.includes(code));
