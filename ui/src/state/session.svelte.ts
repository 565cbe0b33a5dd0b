// The screen's one view of the engine: a snapshot, kept true by deltas, and the way to every operation.

import type { Backend } from "../backend/backend";
import type { ApiError, Delta, Snapshot } from "../backend/types";
import { shown } from "../backend/failure";
import { followed } from "./follow";

const RETRY_MS = 2000;
/** While the engine works something changes at least this often; silence beyond it is looked into. */
const SILENCE_MS = 20_000;

type Link = "loading" | "live" | "lost";

class Session {
  /** `null` until the first one has come. */
  snapshot = $state.raw<Snapshot | null>(null);
  link = $state<Link>("loading");
  /** Why there is no snapshot. */
  error = $state.raw<ApiError | null>(null);
  /** When the engine was heard last, in milliseconds since 1970. */
  heard = $state(0);
  /** Counts judged gradients, so that a table knows that it is out of date. */
  judgements = $state(0);

  #backend: Backend | undefined;
  #early: Delta[] = [];
  #asking = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  get backend(): Backend {
    if (!this.#backend) throw new Error("the session has no backend yet");
    return this.#backend;
  }

  /** Begins to follow. Returns what ends it. */
  async connect(backend: Backend): Promise<() => void> {
    this.#backend = backend;
    const leave = await backend.follow((delta) => this.#take(delta));
    const watch = setInterval(() => this.#watch(), SILENCE_MS / 2);
    await this.refresh();
    return () => {
      clearInterval(watch);
      clearTimeout(this.#retry);
      leave();
    };
  }

  /** Takes a new snapshot. A failure is tried again until it succeeds. */
  async refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#retry);
    try {
      let snapshot = await this.backend.snapshot();
      for (const delta of this.#early) snapshot = followed(snapshot, delta) ?? snapshot;
      this.snapshot = snapshot;
      this.link = "live";
      this.error = null;
      this.heard = Date.now();
    } catch (thrown) {
      this.error = shown(thrown);
      this.link = this.snapshot ? "lost" : "loading";
      this.#retry = setTimeout(() => void this.refresh(), RETRY_MS);
    } finally {
      this.#early = [];
      this.#asking = false;
    }
  }

  #take(delta: Delta): void {
    this.heard = Date.now();
    if (delta.change.part === "judged") this.judgements += 1;
    if (this.#asking || !this.snapshot) {
      this.#early.push(delta);
      return;
    }
    const next = followed(this.snapshot, delta);
    if (next) {
      this.snapshot = next;
      this.link = "live";
    } else {
      void this.refresh();
    }
  }

  #watch(): void {
    if (document.hidden || this.snapshot?.engine.state !== "running") return;
    if (Date.now() - this.heard > SILENCE_MS) void this.refresh();
  }

  /** Puts a text into the clipboard; the error where that fails. */
  async copy(text: string): Promise<ApiError | null> {
    try {
      await this.backend.copy(text);
      return null;
    } catch (thrown) {
      return shown(thrown);
    }
  }

  /** Where the network's explorer shows something; `null` where the profile names none. */
  explorerLink(kind: "tx" | "account", id: string): string | null {
    const base = this.snapshot?.network.explorerUrl;
    return base ? `${base.replace(/\/+$/, "")}/${kind}/${encodeURIComponent(id)}` : null;
  }

  /** Opens an address of the network's profile in the system's browser. */
  open(url: string): void {
    void this.backend.openUrl(url);
  }
}

export const session = new Session();
