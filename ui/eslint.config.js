import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

const tauriOnlyThere = {
  "no-restricted-imports": [
    "error",
    {
      paths: [{ name: "@lucide/svelte", message: "Import one icon: @lucide/svelte/icons/NAME." }],
      patterns: [
        { group: ["@tauri-apps/*"], message: "Only src/backend/tauri* talks to Tauri." },
        { group: ["**/memory/**", "**/memory"], message: "The in-memory backend is for tests alone." },
      ],
    },
  ],
};

export default ts.config(
  {
    ignores: [
      "dist",
      "src/paraglide",
      "e2e/harness/dist",
      "src/backend/bindings.ts",
      "test-results",
      "playwright-report",
    ],
  },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      "no-undef": "off",
      // Caches and timers are kept apart from what is shown, on purpose.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { extraFileExtensions: [".svelte"], parser: ts.parser, svelteConfig },
    },
  },
  { files: ["src/**/*.ts", "src/**/*.svelte"], rules: tauriOnlyThere },
  {
    files: ["src/backend/tauri*.ts", "src/**/*.test.ts", "src/test/**"],
    rules: { "no-restricted-imports": "off" },
  },
);
