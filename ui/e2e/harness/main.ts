// The product's page over the model in memory, for tests and pictures. `?scenario=` says how it begins.

import "../../src/lib/prepare";
import "../../src/app.css";
import { mount } from "svelte";
import App from "../../src/App.svelte";
import { MemoryBackend } from "../../src/backend/memory/backend";
import type { Scenario } from "../../src/backend/memory/scenarios";

declare global {
  interface Window {
    r3mesBackend: MemoryBackend;
  }
}

const asked = new URLSearchParams(location.search);
const backend = new MemoryBackend((asked.get("scenario") ?? "running") as Scenario);
const theme = asked.get("theme");
const language = asked.get("language");
const { preferences } = backend.world.snapshot;
if (theme === "light" || theme === "dark") preferences.theme = theme;
if (language) preferences.language = language;
window.r3mesBackend = backend;

const target = document.getElementById("app");
if (target) mount(App, { target, props: { backend } });
