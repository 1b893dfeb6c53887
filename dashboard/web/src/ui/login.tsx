// Logging in: a page when the app is opened, a dialog over the map when the session has ended meanwhile.

import { useEffect, useRef, useState } from "preact/hooks";
import { ChevronIcon, Mark, WarnIcon } from "./icons";

type Outcome = { ok: true } | { ok: false; message: string; waitS: number };

async function login(email: string, password: string): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch(new URL("api/v1/login", document.baseURI), {
      method: "POST",
      headers: { "content-type": "application/json" },
      credentials: "same-origin",
      body: JSON.stringify({ email, password }),
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    return { ok: false, message: "The server cannot be reached. Check the network and try again.", waitS: 0 };
  }
  if (response.ok) return { ok: true };
  if (response.status === 429) {
    const waitS = Math.min(600, Math.max(1, Number(response.headers.get("retry-after")) || 30));
    return { ok: false, message: "Too many attempts.", waitS };
  }
  if (response.status >= 500) return { ok: false, message: `The server has a problem (${response.status}). Try again in a moment.`, waitS: 0 };
  return { ok: false, message: "E-mail address or password is wrong.", waitS: 0 };
}

/** The form. `email` is filled in when it is known who was logged in. */
function LoginForm({ onDone, email: known = "" }: { onDone: () => void; email?: string }) {
  const [email, setEmail] = useState(known);
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [waitS, setWaitS] = useState(0);
  const first = useRef<HTMLInputElement>(null);
  const secret = useRef<HTMLInputElement>(null);

  // After the dialog has opened, which would move the focus to the first field.
  useEffect(() => {
    const frame = requestAnimationFrame(() => (known ? secret : first).current?.focus());
    return () => cancelAnimationFrame(frame);
  }, [known]);
  useEffect(() => {
    if (waitS <= 0) return;
    const timer = setTimeout(() => setWaitS(waitS - 1), 1000);
    return () => clearTimeout(timer);
  }, [waitS]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || waitS > 0) return;
    setBusy(true);
    setError("");
    const outcome = await login(email.trim(), password);
    setBusy(false);
    if (outcome.ok) return onDone();
    setError(outcome.message);
    setWaitS(outcome.waitS);
    secret.current?.select();
  };

  return (
    <form class="login-form" onSubmit={(e) => void submit(e)} aria-describedby="login-error">
      <label class="field">
        <span>E-mail address</span>
        <input ref={first} type="email" name="email" autocomplete="username" required value={email} onInput={(e) => setEmail(e.currentTarget.value)} />
      </label>
      <label class="field">
        <span>Password</span>
        <span class="field-box">
          <input ref={secret} {...(shown ? { type: "text" as const } : { type: "password" as const })} name="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
          <button type="button" class="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>{shown ? "Hide" : "Show"}</button>
        </span>
      </label>
      <div id="login-error" class="login-error" role="alert">
        {error && <p><WarnIcon /> <span>{error}{waitS > 0 && ` Try again in ${waitS} s.`}</span></p>}
      </div>
      <button class="primary" type="submit" disabled={busy || waitS > 0}>{busy ? "Logging in…" : waitS > 0 ? `Wait ${waitS} s` : "Log in"}</button>
    </form>
  );
}

/** The page. */
export function LoginPage({ onDone }: { onDone: () => void }) {
  return (
    <main class="login">
      <div class="login-art" aria-hidden="true">
        <Waves />
      </div>
      <section class="login-card">
        <header>
          <Mark size={40} />
          <h1>Fieldcast</h1>
          <p>Where your team is, right now.</p>
        </header>
        <LoginForm onDone={onDone} />
        <details class="login-help">
          <summary>No account yet? <ChevronIcon /></summary>
          <p>An account is made where the server runs:</p>
          <code>fieldcast user add COMPANY you@example.com --role manager</code>
        </details>
      </section>
    </main>
  );
}

/** The dialog: the map stays behind it, as it was. */
export function LoginDialog({ onDone, email }: { onDone: () => void; email: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="login-dialog" aria-labelledby="expired-title" onCancel={(e) => e.preventDefault()}>
      <h2 id="expired-title">Your session has ended</h2>
      <p>Positions are no longer updated. Log in again to carry on where you were.</p>
      <LoginForm onDone={onDone} email={email} />
    </dialog>
  );
}

/** Quiet contour lines with a few people on them. */
function Waves() {
  const rings = Array.from({ length: 9 }, (_, i) => 70 + i * 62);
  const people: readonly [number, number, string][] = [[318, 250, "a"], [472, 372, "b"], [236, 420, "c"], [560, 214, "c"], [398, 520, "a"], [150, 262, "b"]];
  return (
    <svg viewBox="0 0 800 640" preserveAspectRatio="xMidYMid slice">
      <g class="waves">
        {rings.map((r) => <ellipse key={r} cx="380" cy="340" rx={r * 1.16} ry={r * 0.82} transform={`rotate(${-14 + r / 40} 380 340)`} />)}
      </g>
      {people.map(([x, y, kind]) => (
        <g key={`${x}`} transform={`translate(${x} ${y})`} class={`wave-person wave-${kind}`}><circle r="18" /><circle r="7" /></g>
      ))}
    </svg>
  );
}
