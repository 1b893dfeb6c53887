// The page's own requests carry the session's cookie. When one of them is refused the session is over, and the
// worker, whose token may be good for minutes yet, has to be told.

let told = (): void => {};

/** Sets who is told that the session was refused. */
export function whenRefused(tell: () => void): void {
  told = tell;
}

/** Says that the server did not take the session. */
export const refused = (): void => told();
