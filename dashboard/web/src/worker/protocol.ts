// What the page and its worker say to each other.

import type { Columns } from "../core/columns";
import type { Connection } from "../core/connection";
import type { Ladder } from "../core/ladder";

export interface Identity {
  /** The e-mail address. */
  readonly subject: string;
  readonly name: string;
  readonly role: string;
  readonly company: string;
  readonly companyName: string;
}

export type ToWorker =
  /** Where the server is, with a slash at the end. */
  | { readonly type: "start"; readonly base: string; readonly visible: boolean }
  | { readonly type: "visible"; readonly visible: boolean }
  /** What the browser says about the network. */
  | { readonly type: "network"; readonly up: boolean }
  | { readonly type: "retry" }
  /** A request of the page itself was refused. */
  | { readonly type: "refused" }
  | { readonly type: "signedIn" };

export type ToPage =
  | { readonly type: "identity"; readonly identity: Identity }
  /** `offset`: milliseconds to add to this machine's clock to have the server's. `ladder`: over what changes come. */
  | { readonly type: "connection"; readonly connection: Connection; readonly ladder: Ladder; readonly offset: number }
  /** `full`: these are all people, whoever is not among them has gone. */
  | { readonly type: "people"; readonly full: boolean; readonly columns: Columns; readonly seq: number; readonly offset: number };
