// Changing one preference leaves the others as they are.

import type { Preferences, Snapshot } from "../backend/types";
import { shown } from "../backend/failure";
import { announce } from "./announcements.svelte";
import { session } from "./session.svelte";
import { failed } from "../lib/told.svelte";

export async function changePreferences(snapshot: Snapshot, change: Partial<Preferences>): Promise<void> {
  try {
    await session.backend.setPreferences({ ...snapshot.preferences, ...change });
  } catch (thrown) {
    announce(failed(shown(thrown)), "bad");
  }
}
