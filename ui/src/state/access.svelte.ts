// Passphrases that an action turns out to need: the access passphrase, which goes with the action itself, and
// that of a key file, which the engine then holds until it ends.

import type { ApiError } from "../backend/types";
import { shown } from "../backend/failure";
import { session } from "./session.svelte";

export type Wanted = "access" | "keys";

interface Question {
  wanted: Wanted;
  wrong: ApiError | null;
  busy: boolean;
}

class Access {
  /** The open question; `null` while nothing is asked. */
  asking = $state.raw<Question | null>(null);
  #answered: ((passphrase: string | null) => void) | undefined;

  /** Runs an action; where it turns out to need a passphrase, asks for it and runs it again, until it goes
   * through, fails otherwise, or the operator gives up. */
  async guarded<T>(action: (access: string | null) => Promise<T>): Promise<T> {
    let passphrase: string | null = null;
    let tried: Wanted | null = null;
    for (;;) {
      try {
        const result = await action(passphrase);
        this.asking = null;
        return result;
      } catch (thrown) {
        const error = shown(thrown);
        const wanted = error.code === "access" ? "access" : error.code === "passphrase" ? "keys" : null;
        if (wanted === null) {
          this.asking = null;
          throw thrown;
        }
        const answer = await this.#ask(wanted, tried === wanted ? error : null);
        if (answer === null) throw thrown;
        tried = wanted;
        if (wanted === "access") passphrase = answer;
        else if (!(await this.#unlockKeys(answer))) throw thrown;
      }
    }
  }

  answer(passphrase: string): void {
    if (this.asking) this.asking = { ...this.asking, busy: true };
    this.#answered?.(passphrase);
    this.#answered = undefined;
  }

  giveUp(): void {
    this.asking = null;
    this.#answered?.(null);
    this.#answered = undefined;
  }

  async #unlockKeys(passphrase: string): Promise<boolean> {
    let answer: string | null = passphrase;
    while (answer !== null) {
      try {
        await session.backend.unlockKeys(answer);
        return true;
      } catch (thrown) {
        answer = await this.#ask("keys", shown(thrown));
      }
    }
    return false;
  }

  #ask(wanted: Wanted, wrong: ApiError | null): Promise<string | null> {
    this.asking = { wanted, wrong, busy: false };
    return new Promise((resolve) => (this.#answered = resolve));
  }
}

export const access = new Access();
