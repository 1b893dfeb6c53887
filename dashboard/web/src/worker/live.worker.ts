// The worker: owns the connection, so that a busy page never misses a beat and a hidden page costs nothing.

import { Api } from "./api";
import { openLink } from "./link";
import { Live } from "./live";
import { openPoll } from "./poll";
import type { ToPage, ToWorker } from "./protocol";
import { openStream } from "./stream";

const scope = self as unknown as DedicatedWorkerGlobalScope;
let live: Live | null = null;

function start(base: string, visible: boolean): Live {
  const api = new Api(base);
  const url = new URL("mqtt", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const created = new Live(
    {
      access: () => api.access(),
      positions: (token, company, after) => api.positions(token, company, after),
      employees: (token, company) => api.employees(token, company),
      open: (rung, access, after, onMessage) => {
        const { subject, company } = access.identity;
        const { token } = access;
        const http = { base: new URL(`api/v1/companies/${encodeURIComponent(company)}/`, base).href, token, after, onMessage };
        switch (rung) {
          case "websocket":
            return openLink({ url: url.href, username: subject, token, topic: `fc/${company}/_live`, onMessage });
          case "stream":
            return openStream(http);
          case "poll":
            return openPoll(http);
        }
      },
      reachable: () => api.reachable(),
      post: (message: ToPage, transfer) => scope.postMessage(message, transfer),
    },
    visible,
  );
  created.start();
  return created;
}

scope.addEventListener("message", (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.type) {
    case "start":
      live ??= start(message.base, message.visible);
      break;
    case "visible":
      live?.setVisible(message.visible);
      break;
    case "network":
      live?.network(message.up);
      break;
    case "retry":
      live?.retryNow();
      break;
    case "refused":
      live?.refused();
      break;
    case "signedIn":
      live?.signedIn();
      break;
  }
});
