// An answer of the engine that is no part of the snapshot: what it was, when it came, what went wrong.

import { untrack } from "svelte";
import type { ApiError } from "../backend/types";
import { shown } from "../backend/failure";

export class Loaded<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  busy = $state(false);
  #ask: () => Promise<T>;
  #turn = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks again. The old answer stays until the new one is there; of two, the one asked last counts. An effect
   * that calls it depends on what it names itself, and not on what the question happens to read. */
  async reload(): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const value = await untrack(() => this.#ask());
      if (turn !== this.#turn) return;
      this.value = value;
      this.error = null;
    } catch (thrown) {
      if (turn === this.#turn) this.error = shown(thrown);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}

/** Calls `work` now and every `ms` while the page is visible. Returns what ends it. */
export function whileVisible(work: () => void, ms: number): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const follow = () => {
    clearInterval(timer);
    timer = undefined;
    if (document.hidden) return;
    untrack(work);
    timer = setInterval(work, ms);
  };
  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    document.removeEventListener("visibilitychange", follow);
    clearInterval(timer);
  };
}
