// The button of the card that opens the dialog for links; the dialog is loaded when it is wanted.

import type { ComponentType } from "preact";
import { useState } from "preact/hooks";
import type { Store } from "../store";
import { ShareIcon } from "./icons";

/** Who may make links; the server decides, this only hides what would be refused. */
const MAKERS: readonly string[] = ["manager", "admin", "operator"];

export interface ShareDialogProps {
  readonly store: Store;
  readonly employee: string;
  readonly name: string;
  readonly onClose: () => void;
}

export function ShareButton({ store, employee, name }: Omit<ShareDialogProps, "onClose">) {
  const [open, setOpen] = useState<{ for: string; Dialog: ComponentType<ShareDialogProps> } | null>(null);
  if (!MAKERS.includes(store.identity.value?.role ?? "")) return null;
  const show = () => void import("./share-dialog").then(({ ShareDialog }) => setOpen({ for: employee, Dialog: ShareDialog }));
  return (
    <>
      <button class="pill" aria-haspopup="dialog" onClick={show}><ShareIcon />Share<span class="visually-hidden"> position</span></button>
      {open?.for === employee && <open.Dialog store={store} employee={employee} name={name} onClose={() => setOpen(null)} />}
    </>
  );
}
