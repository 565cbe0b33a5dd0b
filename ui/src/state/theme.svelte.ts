// Light or dark. It follows the system until the operator chooses.

export type ThemeChoice = "system" | "light" | "dark";

class Theme {
  #choice = $state<ThemeChoice>("system");
  #systemDark = $state(false);
  readonly shown = $derived<"light" | "dark">(
    this.#choice === "system" ? (this.#systemDark ? "dark" : "light") : this.#choice,
  );

  /** Follows the system's own changes. Returns what ends it. */
  run(): () => void {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      this.#systemDark = dark.matches;
      this.#apply();
    };
    follow();
    dark.addEventListener("change", follow);
    return () => dark.removeEventListener("change", follow);
  }

  choose(choice: ThemeChoice): void {
    this.#choice = choice;
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.shown;
  }
}

export const theme = new Theme();
