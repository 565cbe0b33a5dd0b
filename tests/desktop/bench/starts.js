// How long until the launcher is of use.

import { median } from "./rows.js";
import { forget, launch, quit } from "./world.js";

const LAUNCHES = 10;
const HOW =
  "from the spawn of the process to its log's word that the page has drawn the engine's snapshot and its call was answered; " +
  `median of ${LAUNCHES}`;

export async function measureStarts({ fresh, used }) {
  const first = [];
  for (let count = 0; count < LAUNCHES; count += 1) {
    const place = fresh();
    first.push(await once(place));
    forget(place);
  }
  // The first one brings the journal and WebKit's folders into being.
  await once(used);
  const later = [];
  for (let count = 0; count < LAUNCHES; count += 1) later.push(await once(used));
  return [
    row("cold start, fresh data folder", first),
    row("cold start, folder with 10,000 submissions and 100,000 gradients", later),
  ];
}

async function once(place) {
  const started = await launch(place);
  await quit(started, place);
  return started.ready / 1000;
}

function row(measure, seconds) {
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((one) => one.toFixed(2));
  return { measure, value: median(seconds), unit: "s", wish: "< 1.5 s", how: `${HOW}, ${least} to ${most} s` };
}
