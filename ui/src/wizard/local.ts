// The local network: a whole R3MES network inside this program, with keys that are worth nothing.

import type { Backend } from "../backend/backend";

/** Chooses the local network and starts the engine on it. */
export async function tryLocally(backend: Backend): Promise<void> {
  await backend.chooseNetwork({ kind: "local" });
  await backend.start();
}
