// Which screen is shown. It stands in the address, so that a reloaded window shows the same one.

export const SCREENS = [
  "overview",
  "rounds",
  "gradients",
  "miners",
  "submissions",
  "earnings",
  "system",
  "logs",
  "settings",
] as const;
export type Screen = (typeof SCREENS)[number] | "setup";

function read(): [Screen, string | null] {
  const [name, part] = location.hash.replace(/^#\/?/, "").split("/");
  const screen = name === "setup" ? name : SCREENS.find((known) => known === name);
  return [screen ?? "overview", part || null];
}

class Route {
  screen = $state<Screen>("overview");
  /** What of the screen: a step of the setup, a round, a section of the settings. */
  part = $state<string | null>(null);

  run(): () => void {
    const follow = () => ([this.screen, this.part] = read());
    follow();
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }

  /** Names what is shown of the present screen, without a step back to where it had no name. */
  settle(part: string): void {
    this.part = part;
    history.replaceState(null, "", href(this.screen, part));
  }

  go(screen: Screen, part?: string): void {
    location.hash = href(screen, part);
  }
}

/** The address of a screen. */
export function href(screen: Screen, part?: string): string {
  return part ? `#/${screen}/${part}` : `#/${screen}`;
}

export const route = new Route();
