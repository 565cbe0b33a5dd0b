// Short messages about what the operator just did: shown for a while, and read out.

export interface Announcement {
  id: number;
  text: string;
  tone: "plain" | "bad";
}

const SHOWN_MS = 4000;

class Announcements {
  list = $state<Announcement[]>([]);
  #next = 1;

  say(text: string, tone: Announcement["tone"]): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-2), { id, text, tone }];
    setTimeout(() => (this.list = this.list.filter((one) => one.id !== id)), SHOWN_MS);
  }
}

export const announcements = new Announcements();

export function announce(text: string, tone: Announcement["tone"] = "plain"): void {
  announcements.say(text, tone);
}
