// Keeping a snapshot true by numbered changes.

import type { Change, Delta, Snapshot } from "../backend/types";

/** The snapshot after one delta; the same where the delta is already in it, `null` where one is missing. */
export function followed(snapshot: Snapshot, delta: Delta): Snapshot | null {
  if (delta.seq <= snapshot.seq) return snapshot;
  if (delta.seq !== snapshot.seq + 1) return null;
  return { ...snapshot, ...replaced(delta.change), seq: delta.seq, at: delta.at };
}

function replaced(change: Change): Partial<Snapshot> {
  switch (change.part) {
    case "judged":
    case "notice":
      return {};
    default:
      return { [change.part]: change.value };
  }
}
