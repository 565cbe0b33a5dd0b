// Where the setup stands, as a function of the snapshot and the address.

import type { SetupStepKind, Snapshot } from "../backend/types";
import { m } from "../paraglide/messages.js";

export type Place = SetupStepKind | "welcome";

/** What is shown: the step in the address, else the first that is not done; a newcomer is welcomed first. */
export function current(part: string | null, snapshot: Snapshot): Place {
  const named = snapshot.setup.steps.find((step) => step.kind === part);
  if (named) return named.kind;
  if (part === "welcome" || snapshot.preferences.role === null) return "welcome";
  return snapshot.setup.next ?? "ready";
}

/** Why one cannot go on from a step; `null` where one can. What others decide does not hold one up. */
export function mayGoOn(place: SetupStepKind, snapshot: Snapshot): string | null {
  const step = snapshot.setup.steps.find((one) => one.kind === place);
  if (!step || step.state === "done") return null;
  switch (place) {
    case "role":
      return snapshot.preferences.role === null ? m.go_on_role() : m.go_on_other_role();
    case "system":
      return step.reason ? null : m.go_on_system();
    case "network":
      return m.go_on_network();
    case "keys":
      return m.go_on_keys();
    // An administrator's answer may take days; parameters can be looked through meanwhile.
    case "authorization":
      return null;
    case "parameters":
      return m.go_on_parameters();
    case "register":
      return m.go_on_register();
    case "ready":
      return null;
  }
}
