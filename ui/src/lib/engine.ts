// The start and stop buttons as a function of the engine.

import type { EngineView } from "../backend/types";
import type { Tone } from "../components/Badge.svelte";
import { told } from "./told.svelte";
import { m } from "../paraglide/messages.js";

/** Why the engine cannot be started now; `null` where it can. */
export function startReason(engine: EngineView): string | null {
  switch (engine.state) {
    case "running":
      return m.engine_already_running();
    case "starting":
      return m.engine_already_starting();
    case "stopping":
      return m.engine_is_stopping();
    default:
      return engine.startBlocked ? told(engine.startBlocked.message) : null;
  }
}

/** How the engine's state is to be seen. Green comes from recent work alone. */
export function engineTone(engine: EngineView, linkLost: boolean): Tone {
  switch (engine.state) {
    case "running":
      if (linkLost) return "neutral";
      return { off: "neutral", unproven: "accent", good: "good", idle: "warn", troubled: "bad" }[
        engine.health
      ] as Tone;
    case "starting":
    case "stopping":
      return "accent";
    case "stoppedWithError":
    case "cannotRecover":
      return "bad";
    default:
      return "neutral";
  }
}
