// Starts the app: worker, store, user interface.

import { signal } from "@preact/signals";
import { render } from "preact";
import { parseView } from "./core/view";
import type { MapView } from "./map/view";
import { Store } from "./store";
import { watchBaseMap } from "./base-map";
import { watchPast } from "./past";
import { watchPreferences } from "./preferences";
import { whenRefused } from "./refusal";
import { watchTheme } from "./theme";
import { Dashboard } from "./ui/dashboard";
import { LoginPage } from "./ui/login";
import { installHook } from "./hook";
import type { ToPage, ToWorker } from "./worker/protocol";
import "./styles/index.css";

const view = parseView(location.search);
const store = new Store(view);
const worker = new Worker(new URL("./worker/live.worker.ts", import.meta.url), { type: "module" });
const tell = (message: ToWorker) => worker.postMessage(message);
const map: { view: MapView | null } = { view: null };

/** Whether anybody has been logged in since the page was opened: decides between login page and dialog. */
const entered = signal(false);

worker.addEventListener("message", (event: MessageEvent<ToPage>) => {
  const message = event.data;
  switch (message.type) {
    case "identity":
      if (store.identity.value && store.identity.value.company !== message.identity.company) store.select(null);
      store.identity.value = message.identity;
      entered.value = true;
      break;
    case "connection":
      store.setOffset(message.offset);
      store.connection.value = message.connection;
      store.ladder.value = message.ladder;
      break;
    case "people":
      store.apply(message);
      break;
  }
});

async function logout(): Promise<void> {
  await fetch(new URL("api/v1/logout", document.baseURI), { method: "POST", credentials: "same-origin" }).catch(() => null);
  location.assign(location.pathname); // nothing of the last user stays in memory
}

function App() {
  if (!entered.value && store.connection.value.name === "expired") return <LoginPage onDone={() => tell({ type: "signedIn" })} />;
  if (!entered.value && store.connection.value.name === "connecting") return <div class="boot" aria-busy="true" />;
  return (
    <Dashboard
      store={store}
      view={view}
      onRetry={() => tell({ type: "retry" })}
      onSignedIn={() => tell({ type: "signedIn" })}
      onLogout={() => void logout()}
      onMap={(v) => (map.view = v)}
    />
  );
}

whenRefused(() => tell({ type: "refused" }));
watchTheme();
watchPreferences();
watchBaseMap();
watchPast(store);
installHook(store, map);
setInterval(() => {
  if (!document.hidden) store.now.value = store.serverNow(); // the one clock of the page
}, 1000);
document.addEventListener("visibilitychange", () => {
  store.now.value = store.serverNow();
  tell({ type: "visible", visible: !document.hidden });
});
window.addEventListener("online", () => tell({ type: "network", up: true }));
window.addEventListener("offline", () => tell({ type: "network", up: false }));
tell({ type: "start", base: new URL("./", document.baseURI).href, visible: !document.hidden });

const root = document.getElementById("app");
if (root) render(<App />, root);
