// One clock for every age on the screen. It rests while the window is hidden, and turns slowly while
// nothing happens that could age.

const BRISK = 1000;
const SLOW = 15_000;

class Clock {
  now = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | undefined;
  #brisk = false;

  /** Begins to turn, and rests whenever the page is hidden. Returns what ends it. */
  run(): () => void {
    const follow = () => this.#restart();
    document.addEventListener("visibilitychange", follow);
    this.#restart();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Whether ages are worth a look each second: while the engine works. */
  set brisk(brisk: boolean) {
    if (brisk === this.#brisk) return;
    this.#brisk = brisk;
    if (this.#timer !== undefined) this.#restart();
  }

  #restart(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (document.hidden) return;
    this.now = Date.now();
    this.#timer = setInterval(() => (this.now = Date.now()), this.#brisk ? BRISK : SLOW);
  }
}

export const clock = new Clock();
