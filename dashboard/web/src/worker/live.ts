// Keeps the book of a company up to date for as long as the page lives: connect, catch up, follow, and when
// the connection is lost, do it all again.
//
// The order matters. Frames are listened to (and kept aside) before positions are asked for, so no change
// can fall between the two.

import { Backoff } from "../core/backoff";
import { emptyBook, join, reduce, type Action, type Book } from "../core/book";
import { ServerClock } from "../core/clock";
import { next, type Connection, type ConnectionEvent } from "../core/connection";
import { pack } from "../core/columns";
import { CLIMB_AFTER_MS, failed, FIRST, worked, type Ladder, type Rung } from "../core/ladder";
import { parseFrame, type Employee, type Positions } from "../core/wire";
import { Unauthorized, type Access } from "./api";
import { LinkError, type Link } from "./link";
import type { ToPage } from "./protocol";
import { Session } from "./session";

/** What the live view needs from outside; tests bring their own. */
export interface Outside {
  access(): Promise<Access>;
  positions(token: string, company: string, after: number | null): Promise<Positions>;
  employees(token: string, company: string): Promise<Employee[]>;
  /** `after`: the last change that is known, or null; for those who begin with what is missing. */
  open(rung: Rung, access: Access, after: number | null, onMessage: (payload: string) => void): Promise<Link>;
  /** Whether the server answers ordinary requests. */
  reachable(): Promise<boolean>;
  post(message: ToPage, transfer: Transferable[]): void;
}

const POST_EVERY_MS = 200;
const TICK_MS = 5_000;
/** A tick that comes this late means that the machine has slept: the connection is dead, it just doesn't know. */
const SLEPT_MS = 15_000;
const RENEW_RETRY_MS = 10_000;
const EMPLOYEES_RETRY_MS = 30_000;
/** Names and teams are asked for again this often: a team that has changed shows in no frame if somebody moves with it. */
const EMPLOYEES_EVERY_MS = 120_000;
const NO_PROGRESS_MS = 500;

export class Live {
  #connection: Connection = { name: "connecting", since: Date.now() };
  #book: Book = emptyBook("");
  #session: Session;
  #clock = new ServerClock();
  #backoff = new Backoff();
  /** Counts attempts; whatever an older one still has to say is ignored. */
  #attempt = 0;
  #link: Link | null = null;
  #ladder: Ladder = FIRST;
  #climb: Timer = null;
  #retry: Timer = null;
  #renew: Timer = null;
  #syncing = false;
  #learning = false;
  #learnNotBefore = 0;
  #learned = 0;
  #visible: boolean;
  #touched: readonly string[] | "all" = [];
  #flush: Timer = null;
  #posted = 0;
  #ticked = Date.now();

  constructor(
    private readonly outside: Outside,
    visible: boolean,
  ) {
    this.#session = new Session(() => outside.access());
    this.#visible = visible;
  }

  start(): void {
    setInterval(() => this.#tick(), TICK_MS);
    this.#turn({ type: "start", at: Date.now() });
    void this.#connect();
  }

  /** Somebody has logged in, perhaps somebody else. */
  signedIn(): void {
    this.#session.invalidate();
    this.#backoff.reset();
    this.#turn({ type: "signedIn", at: Date.now() });
    void this.#connect();
  }

  /** Tries now instead of at the end of the wait: the server if it is away, else the first rung if it is on another. */
  retryNow(): void {
    if (this.#connection.name === "live" && this.#ladder.rung !== "websocket") return void this.#tryFirst();
    if (this.#connection.name === "live" || this.#connection.name === "expired") return;
    this.#backoff.reset();
    void this.#connect();
  }

  /** The server did not take the session elsewhere: asks for a new token now, which tells whether it is over. */
  refused(): void {
    if (this.#connection.name !== "live") return;
    this.#session.invalidate();
    void this.#renewLink();
  }

  network(up: boolean): void {
    this.#turn({ type: up ? "networkUp" : "networkDown", at: Date.now() });
    if (up) {
      this.#ladder = FIRST; // perhaps it is another network
      return this.retryNow();
    }
    this.#drop(); // a browser may be wrong about a server on the same machine, so it is tried all the same
    this.#retry = setTimeout(() => void this.#connect(), this.#backoff.next());
  }

  setVisible(visible: boolean): void {
    const shown = visible && !this.#visible;
    this.#visible = visible;
    if (!shown) return;
    this.#touched = "all";
    this.#postSoon();
    if (this.#connection.name === "reconnecting" && this.#retry) this.retryNow();
  }

  async #connect(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    this.#turn({ type: "trying", at: Date.now() });
    try {
      const access = await this.#session.access();
      if (attempt !== this.#attempt) return;
      this.#adopt(access);
      this.#dispatch({ type: "connecting" });
      const link = await this.#openOn(this.#ladder.rung, access, attempt);
      if (attempt !== this.#attempt) return link.close();
      this.#follow(link);
      await this.#sync(attempt);
      if (attempt !== this.#attempt) return;
      this.#scheduleRenewal();
      this.#scheduleClimb();
      this.#backoff.reset();
      this.#turn({ type: "synced", at: Date.now() });
    } catch (err) {
      if (attempt === this.#attempt) this.#failed(err);
    }
  }

  /** Opens a link on the present rung; where that rung is at fault, the next attempt is made on the one below. */
  async #openOn(rung: Rung, access: Access, attempt: number): Promise<Link> {
    try {
      const link = await this.#open(rung, access);
      this.#ladder = worked(this.#ladder);
      return link;
    } catch (err) {
      if (!(err instanceof LinkError) || err.answered || err.unauthorized) throw err;
      const reachable = await this.outside.reachable();
      if (attempt !== this.#attempt) throw err;
      this.#ladder = failed(this.#ladder, reachable);
      if (this.#ladder.rung !== rung) this.#backoff.reset(); // another way is no reason to wait long
      throw err;
    }
  }

  #open(rung: Rung, access: Access): Promise<Link> {
    const after = this.#book.wants === "snapshot" ? null : this.#book.seq;
    return this.outside.open(rung, access, after, (payload) => this.#onMessage(payload));
  }

  #scheduleClimb(): void {
    clearTimeout(this.#climb ?? undefined);
    if (this.#ladder.rung !== "websocket") this.#climb = setTimeout(() => void this.#tryFirst(), CLIMB_AFTER_MS);
  }

  /** From time to time, the first rung is tried while the lower one goes on. */
  async #tryFirst(): Promise<void> {
    clearTimeout(this.#climb ?? undefined);
    const attempt = this.#attempt;
    try {
      const link = await this.#open("websocket", await this.#session.access());
      if (attempt !== this.#attempt) return link.close();
      this.#ladder = FIRST;
      this.#replace(link);
      this.#tell();
    } catch {
      if (attempt === this.#attempt) this.#scheduleClimb(); // the lower rung is good, and says so if the session is over
    }
  }

  /** The new link listens before the old one is closed. */
  #replace(link: Link): void {
    const old = this.#link;
    this.#follow(link);
    old?.close();
  }

  /** Ends the present attempt or connection. */
  #drop(): void {
    this.#attempt++;
    clearTimeout(this.#climb ?? undefined);
    clearTimeout(this.#retry ?? undefined);
    clearTimeout(this.#renew ?? undefined);
    this.#retry = this.#renew = null;
    this.#link?.close();
    this.#link = null;
  }

  #follow(link: Link): void {
    this.#link = link;
    void link.closed.then((reason) => {
      if (this.#link === link) this.#failed(reason);
    });
  }

  #failed(err: unknown): void {
    this.#drop();
    const at = Date.now();
    if (err instanceof Unauthorized) return this.#turn({ type: "refused", at });
    if (err instanceof LinkError && err.unauthorized) this.#session.invalidate();
    const wait = this.#backoff.next();
    this.#retry = setTimeout(() => void this.#connect(), wait);
    const reason = err instanceof LinkError ? err.message : "the server cannot be reached";
    this.#turn({ type: "lost", at, retryAt: at + wait, reason });
  }

  /** Another company's people are nobody's business: a new identity starts a new book. */
  #adopt(access: Access): void {
    const { company } = access.identity;
    if (this.#book.company !== company) {
      this.#book = emptyBook(company);
      this.#touched = "all";
    }
    this.outside.post({ type: "identity", identity: access.identity }, []);
  }

  #onMessage(payload: string): void {
    const frame = parseFrame(payload);
    if (!frame) return;
    this.#clock.sample(frame.at, Date.now());
    if (frame.complete && frame.company === this.#book.company) this.#dispatch({ type: "positions", positions: frame });
    else this.#dispatch({ type: "frame", frame });
    if (this.#connection.name === "live" && this.#book.wants) this.#catchUp();
  }

  #catchUp(): void {
    const attempt = this.#attempt;
    this.#sync(attempt).catch((err: unknown) => {
      if (attempt === this.#attempt) this.#failed(err);
    });
  }

  /** Asks by HTTP until the book is whole. One request at a time. */
  async #sync(attempt: number): Promise<void> {
    if (this.#syncing) return this.#afterSync(attempt);
    this.#syncing = true;
    try {
      while (this.#book.wants && attempt === this.#attempt) {
        const before = this.#book.seq;
        const after = this.#book.wants === "changes" ? before : null;
        const positions = await this.#authorized((a) => this.outside.positions(a.token, a.identity.company, after));
        if (attempt !== this.#attempt) return;
        this.#clock.sample(positions.at, Date.now());
        this.#dispatch({ type: "positions", positions });
        if (this.#book.wants && this.#book.seq === before) await sleep(NO_PROGRESS_MS);
      }
    } finally {
      this.#syncing = false;
    }
    void this.#learnEmployees();
  }

  /** An older attempt's request is still out: its answer is ignored, so ask again when it has come. */
  async #afterSync(attempt: number): Promise<void> {
    while (this.#syncing && attempt === this.#attempt) await sleep(50);
    if (attempt === this.#attempt) await this.#sync(attempt);
  }

  /** Runs a request; if the token is refused, once more with a new one. */
  async #authorized<T>(request: (access: Access) => Promise<T>): Promise<T> {
    try {
      return await request(await this.#session.access());
    } catch (err) {
      if (!(err instanceof Unauthorized)) throw err;
      this.#session.invalidate();
      return request(await this.#session.access());
    }
  }

  async #learnEmployees(): Promise<void> {
    const old = this.#visible && Date.now() - this.#learned > EMPLOYEES_EVERY_MS;
    if (this.#learning || !(this.#book.wantsEmployees || old) || Date.now() < this.#learnNotBefore) return;
    this.#learning = true;
    const { company } = this.#book;
    try {
      const employees = await this.#authorized((a) => this.outside.employees(a.token, a.identity.company));
      this.#learned = Date.now();
      if (company === this.#book.company) this.#dispatch({ type: "employees", employees });
    } catch {
      this.#learnNotBefore = Date.now() + EMPLOYEES_RETRY_MS; // positions carry names too; the tick tries again
    } finally {
      this.#learning = false;
    }
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renew ?? undefined);
    this.#renew = setTimeout(() => void this.#renewLink(), Math.max(0, this.#session.renewAt - Date.now()));
  }

  /** Replaces the connection before its token ends: the new one listens before the old one is closed. */
  async #renewLink(): Promise<void> {
    const attempt = this.#attempt;
    try {
      const access = await this.#session.access();
      const link = await this.#open(this.#ladder.rung, access);
      if (attempt !== this.#attempt) return link.close();
      this.#replace(link);
      this.#scheduleRenewal();
    } catch (err) {
      if (attempt !== this.#attempt) return;
      if (err instanceof Unauthorized) return this.#failed(err);
      if (err instanceof LinkError && err.unauthorized) this.#session.invalidate();
      this.#renew = setTimeout(() => void this.#renewLink(), RENEW_RETRY_MS); // the old one is good for a while
    }
  }

  #tick(): void {
    const now = Date.now();
    const slept = now - this.#ticked > SLEPT_MS;
    this.#ticked = now;
    if (slept && this.#connection.name === "live") {
      this.#turn({ type: "lost", at: now, retryAt: now, reason: "this computer was asleep" });
      void this.#connect();
    } else if (slept) this.retryNow();
    if (this.#connection.name === "live") void this.#learnEmployees();
  }

  #dispatch(action: Action): void {
    const { book, touched } = reduce(this.#book, action);
    this.#book = book;
    this.#touched = join(this.#touched, touched);
    if (touched === "all" || touched.length) this.#postSoon();
  }

  #turn(event: ConnectionEvent): void {
    const state = next(this.#connection, event);
    if (state === this.#connection && event.type !== "start") return;
    this.#connection = state;
    this.#tell();
  }

  #tell(): void {
    this.outside.post({ type: "connection", connection: this.#connection, ladder: this.#ladder, offset: this.#clock.offset }, []);
  }

  /** At once if the last post is a while ago, else at the end of that while; never for a hidden page. */
  #postSoon(): void {
    if (!this.#visible || this.#flush) return;
    const wait = Math.max(0, this.#posted + POST_EVERY_MS - Date.now());
    this.#flush = setTimeout(() => this.#post(), wait);
  }

  #post(): void {
    this.#flush = null;
    if (!this.#visible) return;
    const { people, seq, wants } = this.#book;
    if (wants === "snapshot") return; // half a company would look like a whole one
    const full = this.#touched === "all";
    const ids = this.#touched === "all" ? people.keys() : new Set(this.#touched);
    const columns = pack([...ids].map((id) => people.get(id)).filter((p) => p !== undefined));
    this.#touched = [];
    this.#posted = Date.now();
    this.outside.post({ type: "people", full, columns, seq, offset: this.#clock.offset }, [columns.numbers.buffer]);
  }
}

type Timer = ReturnType<typeof setTimeout> | null;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
