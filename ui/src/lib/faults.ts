// What goes wrong in the page itself: errors that nobody caught, rejections, and what the content security
// policy refused. Tests assert that there are none; the shell writes them to the log.

export interface Fault {
  kind: "error" | "rejection" | "policy";
  message: string;
}

declare global {
  interface Window {
    r3mesFaults?: Fault[];
  }
}

let listener: ((fault: Fault) => void) | undefined;

function record(fault: Fault): void {
  (window.r3mesFaults ??= []).push(fault);
  listener?.(fault);
}

/** Begins to collect; everything that was collected goes to the listener as soon as there is one. */
export function collectFaults(): void {
  window.r3mesFaults ??= [];
  window.addEventListener("error", (event) => record({ kind: "error", message: String(event.message) }));
  window.addEventListener("unhandledrejection", (event) =>
    record({ kind: "rejection", message: String(event.reason?.message ?? event.reason) }),
  );
  window.addEventListener("securitypolicyviolation", (event) =>
    record({ kind: "policy", message: `${event.violatedDirective} refused ${event.blockedURI}` }),
  );
}

/** Hands every fault, those from before too, to `to`. */
export function onFault(to: (fault: Fault) => void): void {
  listener = to;
  window.r3mesFaults?.forEach(to);
}
